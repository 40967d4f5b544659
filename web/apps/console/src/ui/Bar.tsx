/**
 * The top of every page: where one can go, how fresh what is shown is, how the gateway goes.
 *
 * What lives here: navigation, the line's state, the gateway's figures. What never will: sessions.
 */

import { type JSX } from "react";
import { PlainNumber, useFresh } from "./fresh";
import { useConsole, useRoute, useTold } from "./hooks";
import { VIEWS } from "../model/route";
import { count, duration, money, percent, short } from "../model/format";
import { Fact } from "./parts";
import { GATEWAY_STATES, LOADS, VIEW_NAMES, named } from "./words";

function Brand(): JSX.Element {
  return (
    <a className="c-brand" href="#/sessions">
      <svg width={26} height={26} viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" className="b-ground" />
        <path d="M4 16h5.5M22.5 16H28" className="b-line" />
        <circle cx="16" cy="16" r="5" className="b-ring" />
        <circle cx="16" cy="16" r="1.8" className="b-dot" />
      </svg>
      <span>Holdfast</span>
    </a>
  );
}

function Navigation(): JSX.Element {
  const route = useRoute();
  const here = route.view === "session" ? "sessions" : route.view;
  return (
    <nav className="c-nav" aria-label="Console">
      {VIEWS.map((view) => (
        <a key={view} href={`#/${view}`} aria-current={view === here ? "page" : undefined}>
          {VIEW_NAMES[view]}
        </a>
      ))}
    </nav>
  );
}

/** Whether what is shown is what is. */
function Freshness(): JSX.Element {
  const fresh = useFresh();
  return (
    <p className="c-fresh" data-fresh={fresh.kind}>
      {fresh.short}
    </p>
  );
}

function Who(): JSX.Element | null {
  const me = useTold((state) => state.me);
  const console = useConsole();
  if (me?.signedIn !== true) return null;
  return (
    <>
      {!me.mayAct && <span className="c-tag">Read-only</span>}
      {me.needsKey && (
        <button type="button" className="c-button c-small" onClick={() => void console.signOut()}>
          Sign out
        </button>
      )}
    </>
  );
}

export function Bar(): JSX.Element {
  return (
    <header className="c-bar">
      <Brand />
      <Navigation />
      <div className="c-bar-end">
        <Who />
        <Freshness />
      </div>
    </header>
  );
}

/** Lost is said here, whole and calmly; and what else the gateway wants the operator to know. */
export function Banners(): JSX.Element {
  const fresh = useFresh();
  const banner = useTold((state) => state.gateway?.banner);
  return (
    <>
      <div role="status">{fresh.long !== undefined && <p className="c-banner">{fresh.long}</p>}</div>
      {banner != null && banner !== "" && <p className="c-banner c-banner-note">{banner}</p>}
    </>
  );
}

const LOOP_SLOW_MS = 50;
const BUSY = 0.85;

export function Facts(): JSX.Element | null {
  const gateway = useTold((state) => state.gateway);
  const latency = useTold((state) => state.latency);
  const cost = useTold((state) => state.cost);
  if (gateway === undefined) return null;
  const { p50, p95 } = latency?.turns === 0 ? {} : (latency ?? {});
  const lagging = (gateway.loopLagMs ?? 0) > LOOP_SLOW_MS;
  return (
    <dl className="c-facts">
      <Fact name="Gateway" tone={gateway.state === "serving" ? undefined : "unsure"}>
        {named(GATEWAY_STATES, gateway.state)}
        <small>
          {gateway.version}, up {short(1_000 * gateway.uptimeS)}
        </small>
      </Fact>
      <Fact name="Conversations">
        <PlainNumber>{count(gateway.sessions)}</PlainNumber>
        {gateway.sessionsMax !== undefined && <small>of {count(gateway.sessionsMax)}</small>}
      </Fact>
      <Fact name="Load" tone={(gateway.load ?? "none") === "none" ? undefined : "bad"}>
        {named(LOADS, gateway.load ?? "none")}
      </Fact>
      {gateway.cpu !== undefined && (
        <Fact name="Processor" tone={gateway.cpu > BUSY ? "unsure" : undefined}>
          {percent(gateway.cpu)}
          <small>of a core</small>
        </Fact>
      )}
      {gateway.loopLagMs !== undefined && (
        <Fact name="Loop lag" tone={lagging ? "unsure" : undefined}>
          {duration(gateway.loopLagMs)}
        </Fact>
      )}
      <Fact name={p50 !== undefined && latency?.sides === "server" ? "Answer after" : "Silence heard"}>
        {duration(p50?.["total"])}
        <small>p95 {duration(p95?.["total"])}</small>
      </Fact>
      <Fact name="Cost a minute">
        {money(cost?.perMinute, cost?.currency)}
        <small>today {money(cost?.today, cost?.currency)}</small>
      </Fact>
    </dl>
  );
}
