/**
 * The link to the gateway as a table: phase and happening in, the next state and effects out. Time is an argument.
 *
 * What lives here: when to ask for a ticket, to dial, to take a session up again, to probe, to ping, to give up; how
 * long each phase may last and what comes then. A happening that a phase does not name means nothing in it.
 * What never will: sockets, timers, fetch, audio. `net.worker.ts` carries the effects out.
 *
 *     idle ► probing ► connecting ► authenticating ► preparing ► ready ⇄ stalled
 *               ▲                        └────────► replaying ──► ready
 *               └── reconnecting ◄── any of these, lost
 *     any ► ended (said goodbye) | failed (needs a person) ► ended
 */

import {
  ATTEMPTS_MAX,
  COMING_BACK,
  CREATIONS_MAX,
  DONE,
  GIVE_UP_MS,
  PINGS_MAX,
  PING_MS,
  PROBE_EAGER_MS,
  PROBE_MS,
  PROBE_SLOW_MS,
  QUIET_MS,
  QUIET_PINGS_MAX,
  QUIET_PING_MS,
  SETTLED_MS,
  STALL_MS,
  accepts,
  initialLink,
  type LinkEffect,
  type LinkEvent,
  type LinkPhase,
  type LinkState,
  type LinkStep,
} from "./link";
import type { Fault, GatewayMessage } from "./protocol";
import { closeVerdict, endVerdict, isFinal, refusalVerdict, type Verdict } from "./verdicts";

/** The moment of a step; `chance` in 0..1 spreads what many clients do. */
interface Moment {
  readonly now: number;
  readonly chance: number;
}

/** A gateway's message is a happening of its own name. */
type Happening = Exclude<LinkEvent, { type: "message" }> | GatewayMessage;
type Row = {
  readonly [T in Happening["type"]]?: (link: LinkState, what: Extract<Happening, { type: T }>, at: Moment) => LinkStep;
};

/** Tries that follow one another at once; from then on each waits longer. */
const ATTEMPTS_FREE = 4;
const RETRY_MS = 500;
const RETRY_MS_MAX = 8_000;
/** The counts of a link whose troubles are past. */
const FORGIVEN = { attempts: 0, creations: 0 } as const;

const CALLED: Row = { stop };
const SOCKET: Row = {
  ...CALLED,
  closed: (link, { code, reason }, at) => {
    const why = link.status === "draining" ? "draining" : reason || `closed ${code}`;
    return judged(link, closeVerdict(code), why, at);
  },
  hole: (link, _, at) => lose(link, "hole", at),
  woke: (link, _, at) => lose(link, "slept", at),
  status: told,
  error: complained,
  session_ended: ended,
};
const SESSION: Row = {
  ...SOCKET,
  renew,
  audio_sent: (link, _, { now }) => stay({ ...link, unheardAt: link.unheardAt ?? now }),
  audio_received: (link) => stay({ ...link, unheardAt: undefined }),
  session_ready: (link) => stay({ ...link, isReady: true, status: "live" }),
  tick: watched,
};
const RESTING: Row = { start };

const TABLE: { readonly [P in LinkPhase]: Row } = {
  idle: RESTING,
  probing: {
    ...CALLED,
    // A socket that is refused is an attempt, too.
    admitted: (link, { ticket }, at) =>
      enter({ ...link, attempts: link.attempts + 1 }, "connecting", at, [{ type: "open", ticket }]),
    refused: (link, { status, retryAfterMs }, at) =>
      judged(link, refusalVerdict(status, retryAfterMs), "gateway", at, retryAfterMs),
    unreachable: (link, _, at) => lose(link, "network", at),
  },
  connecting: { ...SOCKET, opened },
  authenticating: { ...SOCKET, session_created: created, session_resumed: resumed, error: unwelcome },
  preparing: { ...SESSION, session_ready: (link, _, at) => steady({ ...link, isReady: true }, at) },
  ready: SESSION,
  stalled: {
    ...SESSION,
    audio_received: (link, _, at) => enter({ ...link, unheardAt: undefined }, "ready", at),
  },
  replaying: { ...SESSION, caught_up: (link, _, at) => enter(link, "ready", at) },
  reconnecting: {
    ...CALLED,
    probed: (link, _, at) => (at.now < (link.retryAt ?? 0) ? stay(link) : begin(link, at)),
    online: (link, _, { now }) => stay({ ...link, deadline: Math.max(now, link.retryAt ?? 0) }),
  },
  // Where another window has the session, a goodbye lets it go.
  failed: { ...RESTING, stop },
  ended: RESTING,
};

interface Dwell {
  readonly ms: number;
  readonly late: (link: LinkState, at: Moment) => LinkStep;
}

const lostHere: Dwell["late"] = (link, at) => lose(link, link.phase, at);

/**
 * The longest a phase may last, and its exit then. `ready` is watched by acknowledgements and pings instead, and
 * `reconnecting` by its next probe and `GIVE_UP_MS`; resting is no phase that has to end.
 */
export const DWELL: { readonly [P in LinkPhase]?: Dwell } = {
  probing: { ms: 12_000, late: lostHere },
  connecting: { ms: 10_000, late: lostHere },
  authenticating: { ms: 10_000, late: lostHere },
  preparing: { ms: 60_000, late: (link, at) => fail(link, "SESSION_INITIALIZATION_FAILED", at) },
  stalled: { ms: 15_000, late: lostHere },
  replaying: { ms: 60_000, late: (link, at) => enter(link, "ready", at) },
  reconnecting: { ms: 0, late: look },
};

export function stepLink(link: LinkState, event: LinkEvent, now: number, chance: number): LinkStep {
  const at = { now, chance };
  if (event.type === "tick" && link.deadline !== undefined && now >= link.deadline) return DWELL[link.phase]!.late(link, at);
  const what: Happening = event.type === "message" ? event.message : event;
  const alive = event.type === "message" || event.type === "heard";
  const seen = alive ? { ...link, heardAt: now, pings: 0 } : link;
  const row = TABLE[link.phase] as { readonly [type: string]: ((...each: unknown[]) => LinkStep) | undefined };
  return row[what.type]?.(seen, what, at) ?? stay(seen);
}

function stay(state: LinkState, effects: readonly LinkEffect[] = []): LinkStep {
  return { state, effects };
}

function enter(link: LinkState, phase: LinkPhase, { now }: Moment, effects: readonly LinkEffect[] = []): LinkStep {
  const dwell = DWELL[phase];
  return stay({ ...link, phase, since: now, deadline: dwell && now + dwell.ms }, effects);
}

// beginning

function start(link: LinkState, { resume }: { readonly resume: boolean }, at: Moment): LinkStep {
  // Whoever reconnects goes on; whoever starts again is greeted again.
  const sessions = link.phase === "failed" ? link.sessions : 0;
  const { windowMs, isReady, resumable } = link;
  return begin({ ...initialLink(at.now), windowMs, isReady, sessions, resumable: resumable || resume }, at);
}

function begin(link: LinkState, at: Moment): LinkStep {
  const fresh = { ...link, status: undefined, retryAt: undefined };
  return enter(fresh, "probing", at, [{ type: "admit" }]);
}

function opened(link: LinkState, _: unknown, at: Moment): LinkStep {
  const line = { ...link, heardAt: at.now, pings: 0, unheardAt: undefined };
  const keeps = link.resumable && at.now - (link.lostAt ?? at.now) <= link.windowMs;
  return keeps ? enter(line, "authenticating", at, [{ type: "resume" }]) : create(line, at);
}

/** A new session; more of them than a link may need end the trying. */
function create(link: LinkState, at: Moment): LinkStep {
  // A reloaded page looked for what was there before: nobody has asked for anything new.
  if (link.resumable && link.sessions === 0) return leave({ ...link, lostAt: undefined }, "idle", at);
  if (link.creations >= CREATIONS_MAX) return fail(link, "RECONNECT_FAILED", at);
  const effects: LinkEffect[] = link.resumable ? [{ type: "forget" }] : [];
  const next = { ...link, resumable: false, creations: link.creations + 1 };
  return enter(next, "authenticating", at, [...effects, { type: "create" }]);
}

function created(link: LinkState, by: Extract<GatewayMessage, { type: "session_created" }>, at: Moment): LinkStep {
  const seconds = by.limits?.resumeWindowSeconds;
  const next = {
    ...link,
    sessions: link.sessions + 1,
    isReady: false,
    resumable: by.resumeToken !== undefined,
    windowMs: seconds === undefined ? link.windowMs : seconds * 1000,
  };
  return enter(next, "preparing", at, [{ type: "created", by }]);
}

function resumed(link: LinkState, by: Extract<GatewayMessage, { type: "session_resumed" }>, at: Moment): LinkStep {
  const ours = { ...link, lostAt: link.lostAt ?? at.now, sessions: Math.max(1, link.sessions) };
  // Who missed messages for good may have missed that the upstream became ready: then `status` tells what is.
  const { state } = ours.isReady || !by.recovered ? steady({ ...ours, isReady: true }, at) : enter(ours, "preparing", at);
  return stay(state, [{ type: "resumed", by }]);
}

/** It works: at once, or as soon as what was kept has been sent. */
function steady(link: LinkState, at: Moment): LinkStep {
  const clear = { lostAt: undefined, reason: undefined, fault: undefined, status: "live", steadyAt: at.now } as const;
  return enter({ ...link, ...clear }, link.lostAt === undefined ? "ready" : "replaying", at);
}

// ending

const OVER: readonly LinkEffect[] = [{ type: "close", code: DONE }, { type: "forget" }];

function stop(link: LinkState, _: unknown, at: Moment): LinkStep {
  const bye: LinkEffect[] = accepts(link.phase) ? [{ type: "goodbye" }] : [];
  return leave({ ...link, reason: "client", fault: undefined }, "ended", at, bye);
}

function leave(link: LinkState, phase: "idle" | "ended", at: Moment, first: readonly LinkEffect[] = []): LinkStep {
  return enter({ ...link, resumable: false }, phase, at, [...first, ...OVER]);
}

function renew(link: LinkState, _: unknown, at: Moment): LinkStep {
  const { state, effects } = begin({ ...link, ...FORGIVEN, resumable: false }, at);
  return stay(state, [{ type: "goodbye" }, ...OVER, ...effects]);
}

function fail(link: LinkState, reason: string, at: Moment, fault: Fault | undefined = link.fault): LinkStep {
  // Another window has the session: it may be fetched back.
  const resumable = link.resumable && reason === "REPLACED";
  const effects: LinkEffect[] = resumable ? [] : [{ type: "forget" }];
  const over = { ...link, reason, fault, resumable, lostAt: undefined };
  return enter(over, "failed", at, [{ type: "close", code: DONE }, ...effects]);
}

function judged(link: LinkState, verdict: Verdict, reason: string, at: Moment, waitMs = 0): LinkStep {
  switch (verdict.do) {
    case "stop":
      return fail(link, verdict.reason, at);
    case "end":
      return leave({ ...link, reason: verdict.reason }, "ended", at);
    default:
      return lose({ ...link, resumable: link.resumable && verdict.do === "resume" }, reason, at, waitMs);
  }
}

// losing and finding the way

/** The way to the gateway is broken: look for it. */
function lose(link: LinkState, reason: string, at: Moment, waitMs = 0): LinkStep {
  const { now, chance } = at;
  const settled = link.steadyAt !== undefined && now - link.steadyAt >= SETTLED_MS;
  const lostAt = link.lostAt ?? now;
  const counted = { ...link, ...(settled && FORGIVEN) };
  // What broke first is the reason; what fails while it is mended is not.
  const lost = { ...counted, lostAt, reason: link.lostAt === undefined ? reason : link.reason, steadyAt: undefined };
  if (lost.attempts >= ATTEMPTS_MAX || now - lostAt > GIVE_UP_MS) return fail(lost, "RECONNECT_FAILED", at);
  const wait = Math.max(waitMs, penalty(lost.attempts, chance));
  const { state, effects } = enter(lost, "reconnecting", at, [{ type: "close", code: COMING_BACK }]);
  // Only a delay that the gateway wished for is told.
  const retryAt = waitMs > 0 ? now + waitMs : undefined;
  const pause = link.phase === "probing" ? pace(state, at) : chance * 100;
  return stay({ ...state, deadline: now + Math.max(wait, pause), retryAt }, effects);
}

/** How long from one look to the next. */
function pace({ lostAt = 0 }: LinkState, { now, chance }: Moment): number {
  return (now - lostAt > PROBE_EAGER_MS ? PROBE_SLOW_MS : PROBE_MS) * (0.5 + chance / 2);
}

function penalty(attempts: number, chance: number): number {
  if (attempts <= ATTEMPTS_FREE) return 0;
  return Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (attempts - ATTEMPTS_FREE - 1)) * (0.5 + chance / 2);
}

/** One more probe, and when the next one is due. */
function look(link: LinkState, at: Moment): LinkStep {
  if (at.now - (link.lostAt ?? at.now) > GIVE_UP_MS) return fail(link, "RECONNECT_FAILED", at);
  return stay({ ...link, deadline: at.now + pace(link, at) }, [{ type: "probe" }]);
}

// what the gateway says

function told(link: LinkState, said: Extract<GatewayMessage, { type: "status" }>, { now }: Moment): LinkStep {
  const retryAt = said.retryInMs === undefined ? undefined : now + said.retryInMs;
  return stay({ ...link, status: said.state, retryAt, fault: said.fault });
}

type Complaint = Extract<GatewayMessage, { type: "error" }>;

function complained(link: LinkState, error: Complaint, at: Moment): LinkStep {
  // The gateway does not know our session any more.
  if (error.code === "NO_SESSION_EXISTS") return lose({ ...link, resumable: false }, error.code, at);
  // Where a time is told, `session_ended` follows and says the same.
  if (isFinal(error.code) && error.retryAfterMs === undefined) return fail(link, error.code, at, error.fault);
  const early = error.code === "SESSION_INITIALIZATION_FAILED" && link.phase === "preparing";
  if (!early) return stay(link);
  return error.retryable === false ? fail(link, error.code, at, error.fault) : stay({ ...link, fault: error.fault });
}

/** A session that is to begin again later was asked for by the gateway: it is none of those a link may need. */
function ended(link: LinkState, end: Extract<GatewayMessage, { type: "session_ended" }>, at: Moment): LinkStep {
  const { reason, fault, retryAfterMs } = end;
  const next = { ...link, ...(retryAfterMs !== undefined && FORGIVEN), fault, resumable: false };
  return judged(next, endVerdict(reason, fault, retryAfterMs), reason, at, retryAfterMs);
}

/** An answer to `create_session` or `resume_session` that is none. */
function unwelcome(link: LinkState, error: Complaint, at: Moment): LinkStep {
  if (error.code === "NO_SESSION_EXISTS" && link.resumable) return create({ ...link, reason: error.code }, at);
  // What is not understood is not to be had, however often it is asked for.
  if (error.code !== "RATE_LIMITED" && error.code !== "INVALID_MESSAGE") return complained(link, error, at);
  const { retryAfterMs } = error;
  return retryAfterMs === undefined ? fail(link, error.code, at, error.fault) : lose(link, error.code, at, retryAfterMs);
}

// watching

/** A socket that gives neither sound nor close: acknowledgements and pings tell. */
function watched(link: LinkState, _: unknown, at: Moment): LinkStep {
  const { unheardAt, heardAt, pings, phase } = link;
  const silence = at.now - Math.max(heardAt, unheardAt ?? 0);
  const unheard = unheardAt !== undefined && at.now - unheardAt >= STALL_MS;
  const next = unheard && (phase === "ready" || phase === "replaying") ? enter(link, "stalled", at).state : link;
  const due = unheard ? STALL_MS + PING_MS * pings : QUIET_MS + QUIET_PING_MS * pings;
  if (silence < due) return stay(next);
  if (pings >= (unheard ? PINGS_MAX : QUIET_PINGS_MAX)) return lose(next, "silent", at);
  return stay({ ...next, pings: pings + 1 }, [{ type: "ping" }]);
}
