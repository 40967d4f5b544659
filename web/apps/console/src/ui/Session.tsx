/**
 * One session: what it is, how it went, and every moment of it.
 *
 * What lives here: the page around the timeline. What never will: the timeline's drawing (`Timeline.tsx`).
 */

import { useEffect, useState, type JSX } from "react";
import type { Refusal, Row, SessionDocument } from "../api";
import { duration, long, money, place } from "../model/format";
import { rowOf } from "../model/state";
import { Explain } from "./Explain";
import { useGatewayNow } from "./fresh";
import { setParams, useConsole, useRoute, useTitle, useTold } from "./hooks";
import { Events } from "./Events";
import { Copy, Fact, Refused } from "./parts";
import { WideStrip } from "./Strip";
import { Timeline } from "./Timeline";
import { Turns } from "./Turns";
import { SOURCES, STATES, capital, named } from "./words";

export function SessionPage({ id }: { readonly id: string }): JSX.Element {
  const console = useConsole();
  const { params } = useRoute();
  const asked = useTold((state) => state.sessions.get(id));
  const seen = useTold((state) => rowOf(state, id));
  useEffect(() => console.follow(id), [console, id]);
  useTitle(`${id} · Holdfast console`);
  const document = asked?.value;
  const row = seen ?? document?.row;
  const explained = params["explain"] !== undefined;
  return (
    <div className="c-session">
      <p className="c-back">
        <a href={`#/sessions${back(params["from"])}`}>← All sessions</a>
      </p>
      {row === undefined ? (
        <h1 className="c-headline">Session {id}</h1>
      ) : (
        <Head row={row} document={document} explained={explained} />
      )}
      {asked?.refusal !== undefined && <Refused refusal={asked.refusal} />}
      {explained && <Explain id={id} />}
      {document !== undefined && <Body document={document} />}
      {document === undefined && asked?.refusal === undefined && <p className="c-empty">Asking the gateway …</p>}
    </div>
  );
}

/** The list's filters, as they were. */
function back(from: string | undefined): string {
  return from === undefined ? "" : `?${from}`;
}

function Head({
  row,
  document,
  explained,
}: {
  readonly row: Row;
  readonly document: SessionDocument | undefined;
  readonly explained: boolean;
}): JSX.Element {
  return (
    <header className="c-session-head">
      <p className="r-who">
        <span className="r-state" data-state={row.state}>
          {named(STATES, row.state)}
        </span>
        <span className="r-id">{row.id}</span>
        {row.customer != null && <span>{row.customer}</span>}
        <span>{named(SOURCES, row.source)}</span>
      </p>
      <h1 className="c-headline" data-tone={row.attention >= 60 ? "bad" : undefined}>
        {document?.verdict?.sentence ?? capital(row.why)}
      </h1>
      <div className="c-acts">
        <button
          type="button"
          className="c-button c-primary"
          aria-expanded={explained}
          onClick={() => setParams({ explain: explained ? "" : "1" })}
        >
          Explain
        </button>
        <a className="c-button" href={`/api/console/sessions/${encodeURIComponent(row.id)}/bundle`} download>
          Download bundle
        </a>
        {document?.hasRecording === true && (
          <a className="c-button" href={`/api/console/sessions/${encodeURIComponent(row.id)}/recording`} download>
            Download recording
          </a>
        )}
        <End row={row} />
      </div>
      <WideStrip health={row.health} />
      <Facts row={row} document={document} />
    </header>
  );
}

function Facts({ row, document }: { readonly row: Row; readonly document: SessionDocument | undefined }): JSX.Element {
  const now = useGatewayNow();
  const cost = document?.cost;
  const estimated = (cost?.estimated ?? row.costEstimated) === true ? "≈ " : "";
  return (
    <dl className="c-facts c-facts-session">
      <Fact name="Upstream">
        {row.upstream?.name ?? "–"}
        <small>{row.upstream?.model}</small>
      </Fact>
      <Fact name="Lasted">{long((row.endedAt ?? Math.max(now, row.beganAt)) - row.beganAt)}</Fact>
      <Fact name="Turns">{row.turns}</Fact>
      <Fact name="Last silence">{duration(row.silence_ms)}</Fact>
      <Fact name="Faults" tone={row.faults > 0 ? "bad" : undefined}>
        {row.faults}
      </Fact>
      <Fact name="Cost">
        {estimated}
        {money(cost?.total_usd ?? row.cost_usd)}
        {cost != null && (
          <small>
            rebuilt {money(cost.rebuilt_usd)}, wasted {money(cost.wasted_usd)}
          </small>
        )}
      </Fact>
    </dl>
  );
}

/** Ending somebody's conversation takes two presses. */
function End({ row }: { readonly row: Row }): JSX.Element | null {
  const console = useConsole();
  const mayAct = useTold((state) => state.me?.mayAct === true);
  const [sure, setSure] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  if (!mayAct || row.state === "ended") return null;
  if (refusal !== undefined) return <Refused refusal={refusal} />;
  return (
    <button
      type="button"
      className="c-button c-danger"
      onBlur={() => setSure(false)}
      onClick={() => {
        if (sure) void console.end(row.id).then(setRefusal);
        setSure(!sure);
      }}
    >
      {sure ? "End this conversation now" : "End session"}
    </button>
  );
}

function Body({ document }: { readonly document: SessionDocument }): JSX.Element {
  const { providerSessions = [], transcript = [], turns } = document;
  return (
    <>
      <Timeline document={document} />
      <div className="c-columns">
        <Events document={document} />
        <div>
          {turns.length > 0 && <Turns document={document} />}
          {providerSessions.length > 0 && (
            <section className="c-figure" aria-labelledby="provider-sessions">
              <h2 id="provider-sessions">Provider’s session ids</h2>
              <ul className="c-ids">
                {providerSessions.map((each) => (
                  <li key={each}>
                    <code>{each}</code> <Copy text={each} />
                  </li>
                ))}
              </ul>
            </section>
          )}
          {transcript.length > 0 && (
            <section className="c-figure" aria-labelledby="transcript">
              <h2 id="transcript">What was said</h2>
              <ol className="c-transcript">
                {transcript.map(({ t_ms, who, text }, at) => (
                  <li key={at} data-who={who}>
                    <span className="c-time">{place(t_ms)}</span>
                    <span>{capital(who)}</span>
                    <p>{text}</p>
                  </li>
                ))}
              </ol>
            </section>
          )}
        </div>
      </div>
    </>
  );
}
