/**
 * The Financial Sherpa: the parts put together as a product.
 *
 * What lives here: layout, and the keys that work everywhere. What never will: behaviour of the parts.
 */

import { agentState, createVoiceClient, type VoiceClient, type VoiceClientOptions } from "@holdfast/client";
import { useEffect, useState, type ReactNode } from "react";
import { useInCall, useVoice } from "./hooks";
import { Captions, SpokenLog } from "./parts/Captions";
import { EndButton, MicButton, MuteButton, SilenceButton, TypeInstead } from "./parts/Controls";
import { FormPanel } from "./parts/Form";
import { Options } from "./parts/Options";
import { Ridge } from "./parts/Ridge";
import { Alerts, KeptBar, LeftBehind, NoticeBar, StatusLine } from "./parts/Status";
import { RidgeMark } from "./parts/icons";
import { VoiceProvider, useVoiceClient, useWords } from "./provider";
import { EXAMPLES, type Words } from "./words";

export interface FinancialSherpaProps extends VoiceClientOptions {
  /** A client of your own; without one the component makes it from the other properties. */
  readonly client?: VoiceClient;
  readonly words?: Words;
}

/** The whole assistant. Give it a place; it fills it. */
export function FinancialSherpa({ client, words, ...options }: FinancialSherpaProps): ReactNode {
  const [own, setOwn] = useState<VoiceClient | undefined>(client);
  useEffect(() => {
    if (client !== undefined) {
      setOwn(client);
      return undefined;
    }
    const made = createVoiceClient(options);
    setOwn(made);
    void made.load();
    return () => made.dispose();
    // Options are read once: a client cannot change its gateway in mid-call.
  }, [client]);
  if (own === undefined) return null;
  return (
    <VoiceProvider client={own} {...(words === undefined ? {} : { words })}>
      <Sherpa />
    </VoiceProvider>
  );
}

function Sherpa(): ReactNode {
  const client = useVoiceClient();
  const agent = useVoice(agentState);
  const hasForm = useVoice((state) => state.form !== undefined);
  useEffect(() => {
    const stop = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      const { speaker, turn, form } = client.state;
      if (speaker.phase === "playing" || turn.response !== undefined) client.silence();
      else if (form !== undefined) client.closeForm();
    };
    addEventListener("keydown", stop);
    return () => removeEventListener("keydown", stop);
  }, [client]);
  return (
    <div className="hf-sherpa" data-agent={agent} data-form={hasForm}>
      <TopBar />
      <main className="hf-main">
        <Side />
        <div className="hf-talk">
          <Captions empty={<Welcome />} />
          <NoticeBar />
          <FormPanel />
        </div>
        <Dock />
      </main>
      <SpokenLog />
      <Alerts />
    </div>
  );
}

function TopBar(): ReactNode {
  const { labels } = useWords();
  return (
    <header className="hf-bar">
      <h1 className="hf-brand">
        <RidgeMark />
        {labels.brand}
      </h1>
      <DemoSwitcher />
    </header>
  );
}

function DemoSwitcher(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const config = useVoice((state) => state.config);
  if (!config?.demo) return null;
  return (
    <label className="hf-demo">
      <span>{labels.demo}</span>
      <select
        className="hf-input"
        value={config.customer.id}
        onChange={(event) => void client.switchCustomer(event.target.value)}
      >
        {config.demo.customers.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Side(): ReactNode {
  return (
    <aside className="hf-side">
      <Account />
      <Examples />
      <Disclosure />
    </aside>
  );
}

function Account(): ReactNode {
  const { labels } = useWords();
  const customer = useVoice((state) => state.config?.customer);
  if (customer === undefined) return null;
  return (
    <section className="hf-account">
      <h2 className="hf-overline">{labels.signedInAs}</h2>
      <p className="hf-name">{customer.name}</p>
      <p className="hf-number">
        {labels.customerNumber} {customer.id}
      </p>
    </section>
  );
}

function Examples(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const known = useVoice((state) => state.config !== undefined);
  return (
    <section className="hf-examples">
      <h2 className="hf-overline">{labels.ask}</h2>
      <ul>
        {EXAMPLES.map((question) => (
          <li key={question}>
            <button type="button" className="hf-example" disabled={!known} onClick={() => client.type(question)}>
              {question}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Disclosure(): ReactNode {
  const { labels } = useWords();
  const configured = useVoice((state) => state.config?.upstream);
  const serving = useVoice((state) => state.session?.upstream);
  const upstream = serving ?? configured;
  return (
    <section className="hf-disclosure">
      <p>
        <strong>{labels.disclosure}</strong> <span className="hf-more">{labels.disclosureMore}</span>
      </p>
      {upstream !== undefined && (
        <p className="hf-upstream" data-kind={upstream.kind} title={upstream.kind === "local" ? labels.localHelp : undefined}>
          {upstream.kind === "local" ? labels.local : [upstream.name, upstream.model].filter(Boolean).join(" · ")}
        </p>
      )}
    </section>
  );
}

function Welcome(): ReactNode {
  const greeting = useVoice((state) => state.config?.greeting);
  return (
    <>
      <p className="hf-welcome">{greeting || "\u00a0"}</p>
      {/* Where there is room they stand at the side; one of the two is always hidden. */}
      <Examples />
    </>
  );
}

function Dock(): ReactNode {
  const calling = useInCall();
  return (
    <div className="hf-dock" data-calling={calling}>
      <Ridge />
      <KeptBar />
      <div className="hf-dock-row">
        <StatusLine />
        <MicButton />
        {calling && (
          <div className="hf-tools">
            <MuteButton />
            <SilenceButton />
            <EndButton />
          </div>
        )}
      </div>
      <LeftBehind />
      <div className="hf-dock-row hf-dock-low">
        <TypeInstead />
        <Options />
      </div>
    </div>
  );
}
