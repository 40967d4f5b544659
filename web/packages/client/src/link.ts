/**
 * The link to the gateway as a value: its phases, what can happen to it, what it asks for, and how long things may last.
 *
 * What lives here: shapes and figures. What never will: transitions (`connection.ts`), sockets, clocks.
 */

import type { Fault, GatewayMessage, LinkStatus } from "./protocol";

export type LinkPhase =
  /** Nobody talks. */
  | "idle"
  /** A ticket was asked for: the answer proves that somebody is there and lets us in. */
  | "probing"
  | "connecting"
  /** The socket is open; a session was asked for, a new one or ours. */
  | "authenticating"
  /** The session takes speech; its upstream is not ready yet. */
  | "preparing"
  | "ready"
  /** Speech is sent and not acknowledged. */
  | "stalled"
  /** The way is lost and looked for. */
  | "reconnecting"
  /** The session is ours again; what was said meanwhile goes first. */
  | "replaying"
  | "failed"
  | "ended";

export interface LinkState {
  readonly phase: LinkPhase;
  /** When the phase began, and when it has lasted too long. Milliseconds of one steady clock. */
  readonly since: number;
  readonly deadline?: number | undefined;
  /** Since when the link is broken; survives the phases of its repair. */
  readonly lostAt?: number | undefined;
  readonly heardAt: number;
  /** Since when speech is not acknowledged. */
  readonly unheardAt?: number | undefined;
  /** Pings in a row that nothing came after. */
  readonly pings: number;
  /** Since when the link does its work; what lasts is forgiven its beginnings. */
  readonly steadyAt?: number | undefined;
  /** Sockets dialled, and sessions begun, since the last one that lasted: the bounds of self-repair. */
  readonly attempts: number;
  readonly creations: number;
  /** Sessions that were accepted so far; the second one is "a new session". */
  readonly sessions: number;
  /** The session's upstream was ready once; it is told once. */
  readonly isReady: boolean;
  /** A session that can be taken up again, and for how long after a loss. */
  readonly resumable: boolean;
  readonly windowMs: number;
  /** Why the link failed, ended, or was lost last. */
  readonly reason?: string | undefined;
  readonly fault?: Fault | undefined;
  /** What the gateway says about its own link to the provider. */
  readonly status?: LinkStatus | undefined;
  /** Nothing is tried before this moment. */
  readonly retryAt?: number | undefined;
}

export type LinkEvent =
  /** `resume`: a session of before (a reloaded page) is taken up. */
  | { readonly type: "start"; readonly resume: boolean }
  | { readonly type: "stop" }
  /** A new session on purpose, while the old one still runs. */
  | { readonly type: "renew" }
  | { readonly type: "admitted"; readonly ticket: string | undefined }
  | { readonly type: "refused"; readonly status: number; readonly retryAfterMs?: number | undefined }
  | { readonly type: "unreachable" }
  | { readonly type: "opened" }
  | { readonly type: "closed"; readonly code: number; readonly reason: string }
  | { readonly type: "probed" }
  /** The browser says that there is a network again. */
  | { readonly type: "online" }
  /** The computer slept. */
  | { readonly type: "woke" }
  /** A message is missing in the order. */
  | { readonly type: "hole" }
  | { readonly type: "audio_sent" }
  | { readonly type: "caught_up" }
  /** Anything that only shows that the other side lives. */
  | { readonly type: "heard" }
  | { readonly type: "message"; readonly message: GatewayMessage }
  | { readonly type: "tick" };

type Told<T extends GatewayMessage["type"]> = Extract<GatewayMessage, { type: T }>;

export type LinkEffect =
  | { readonly type: "admit" | "create" | "resume" | "probe" | "ping" | "goodbye" }
  | { readonly type: "close"; readonly code: number }
  | { readonly type: "open"; readonly ticket: string | undefined }
  | { readonly type: "created"; readonly by: Told<"session_created"> }
  | { readonly type: "resumed"; readonly by: Told<"session_resumed"> }
  /** The session cannot be taken up again: its token is worth nothing any more. */
  | { readonly type: "forget" };

export interface LinkStep {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

/** Speech that is not acknowledged: slow after this, then pings; as many as this without an answer are enough. */
export const STALL_MS = 2_000;
export const PING_MS = 5_000;
export const PINGS_MAX = 2;
/** The same while nobody speaks. */
export const QUIET_MS = 15_000;
export const QUIET_PING_MS = 10_000;
export const QUIET_PINGS_MAX = 1;
/** Said with the close: the session is done with, or it is not, whatever the socket does. */
export const DONE = 1000;
export const COMING_BACK = 4000;
export const PROBE_MS = 250;
export const PROBE_SLOW_MS = 2_000;
export const PROBE_EAGER_MS = 60_000;
export const GIVE_UP_MS = 600_000;
export const ATTEMPTS_MAX = 60;
export const CREATIONS_MAX = 6;
/** A link that did its work for this long was a good one: counting begins again. */
export const SETTLED_MS = 10_000;
/** Where the gateway does not say for how long it keeps a session. */
const WINDOW_MS = 120_000;

export function initialLink(now: number): LinkState {
  return {
    phase: "idle",
    since: now,
    heardAt: now,
    pings: 0,
    attempts: 0,
    creations: 0,
    sessions: 0,
    isReady: false,
    resumable: false,
    windowMs: WINDOW_MS,
  };
}

/** Whether a session accepts speech and commands in this phase. */
export function accepts(phase: LinkPhase): boolean {
  return phase === "preparing" || phase === "ready" || phase === "stalled" || phase === "replaying";
}

/** Nothing is being done, nothing is being tried. */
export function rests(phase: LinkPhase): boolean {
  return phase === "idle" || phase === "ended" || phase === "failed";
}

/** What of the link the page shows; times of heartbeats are not among it. */
export function visible(state: LinkState): string {
  return [state.phase, state.lostAt, state.sessions, state.reason, state.status, state.retryAt].join();
}
