/**
 * The link to the gateway as a pure machine: events in, the next state and effects out. Time is an argument.
 *
 * What lives here: when to ask for a ticket, to dial, to probe, to ping, to give up; how long each phase may last.
 * What never will: sockets, timers, fetch, audio. `net.worker.ts` carries the effects out.
 *
 *     idle ► admitting ► connecting ► creating ► preparing ► ready ⇄ stalled
 *                 ▲            any of these, lost ► probing ┘ (a new session; `resume_session` will enter here)
 *     any ► ended (said goodbye) | failed (needs a person)
 */

import type { Fault, GatewayMessage, LinkStatus, Party } from "./protocol";

export type LinkPhase =
  | "idle"
  | "admitting"
  | "connecting"
  | "creating"
  | "preparing"
  | "ready"
  | "stalled"
  | "probing"
  | "ended"
  | "failed";

export interface LinkState {
  readonly phase: LinkPhase;
  /** When the phase began, and when it has lasted too long. Milliseconds of one steady clock. */
  readonly since: number;
  readonly deadline: number | undefined;
  /** Since when the link is broken; survives the phases of its repair. */
  readonly lostAt: number | undefined;
  readonly heardAt: number;
  readonly pingedAt: number | undefined;
  readonly audioSentAt: number | undefined;
  readonly readyAt: number | undefined;
  /** Sessions begun since the last one that was ready for a while: the bound of self-repair. */
  readonly attempts: number;
  /** Sessions that were accepted so far; the second one is "a new session". */
  readonly sessions: number;
  /** Why the link failed, ended, or was lost last. */
  readonly reason: string | undefined;
  readonly fault: Fault | undefined;
  /** What the gateway says about its own link to the provider. */
  readonly status: LinkStatus | undefined;
  readonly retryAt: number | undefined;
}

export type LinkEvent =
  | { readonly type: "start" }
  | { readonly type: "stop" }
  | { readonly type: "admitted"; readonly ticket: string | undefined }
  | { readonly type: "refused"; readonly status: number }
  | { readonly type: "unreachable" }
  | { readonly type: "opened" }
  | { readonly type: "closed"; readonly code: number; readonly reason: string }
  | { readonly type: "probed"; readonly ok: boolean }
  | { readonly type: "audio_sent" }
  | { readonly type: "binary" }
  | { readonly type: "message"; readonly message: GatewayMessage }
  | { readonly type: "tick" };

export type LinkEffect =
  | { readonly type: "admit" }
  | { readonly type: "open"; readonly ticket: string | undefined }
  | { readonly type: "create" }
  | { readonly type: "probe" }
  | { readonly type: "ping" }
  | { readonly type: "accepted" }
  | { readonly type: "goodbye" }
  | { readonly type: "close"; readonly code: number };

export interface LinkStep {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

/** How long a phase may last before the machine acts by itself (ms). */
export const DWELL_MS: Readonly<Partial<Record<LinkPhase, number>>> = {
  admitting: 8_000,
  connecting: 10_000,
  creating: 10_000,
  preparing: 60_000,
  stalled: 8_000,
};
export const PING_MS = 5_000;
export const PONG_MS = 10_000;
export const STALL_MS = 2_000;
export const PROBE_MS = 250;
export const PROBE_SLOW_MS = 2_000;
export const PROBE_EAGER_MS = 60_000;
export const GIVE_UP_MS = 600_000;
export const ATTEMPTS_MAX = 6;
/** A session that was ready for this long was a good one: counting begins again. */
const SETTLED_MS = 10_000;
const RETRY_MS = 500;
const RETRY_MS_MAX = 8_000;

/** Close codes after which a new session is no cure: words of the gateway stand beside them. */
const FINAL_CLOSES: ReadonlyMap<number, string> = new Map([
  [1008, "RATE_LIMITED"],
  [1009, "MESSAGE_TOO_LARGE"],
  [4400, "INVALID_MESSAGE"],
  [4401, "NOT_AUTHORIZED"],
  [4403, "NOT_AUTHORIZED"],
  [4408, "IDLE"],
  [4409, "REPLACED"],
  [4429, "RATE_LIMITED"],
  [3000, "NOT_AUTHORIZED"],
]);

/** Errors that end the attempt to talk: repeating them would only repeat them. */
const FINAL_ERRORS: ReadonlySet<string> = new Set([
  "UNSUPPORTED_MODEL",
  "NOT_AUTHORIZED",
  "RECONNECT_FAILED",
]);

/** Whose faults a new session does not share. */
const CURED_BY_ANOTHER: ReadonlySet<Party> = new Set(["gateway", "user_network"]);

export function initialLink(now: number): LinkState {
  return {
    phase: "idle",
    since: now,
    deadline: undefined,
    lostAt: undefined,
    heardAt: now,
    pingedAt: undefined,
    audioSentAt: undefined,
    readyAt: undefined,
    attempts: 0,
    sessions: 0,
    reason: undefined,
    fault: undefined,
    status: undefined,
    retryAt: undefined,
  };
}

const OPEN_PHASES: ReadonlySet<LinkPhase> = new Set(["creating", "preparing", "ready", "stalled"]);
const OVER: ReadonlySet<LinkPhase> = new Set(["idle", "ended", "failed"]);

/** Whether a session accepts speech and commands in this phase. */
export function accepts(phase: LinkPhase): boolean {
  return phase === "preparing" || phase === "ready" || phase === "stalled";
}

/** One step. `chance` in 0..1 spreads retries of many clients. */
export function stepLink(state: LinkState, event: LinkEvent, now: number, chance: number): LinkStep {
  switch (event.type) {
    case "start":
      return OVER.has(state.phase) ? begin({ ...state, attempts: 0, lostAt: undefined }, now) : stay(state);
    case "stop":
      return stop(state, now);
    case "admitted":
      if (state.phase !== "admitting") return stay(state);
      return enter(state, "connecting", now, [{ type: "open", ticket: event.ticket }]);
    case "refused":
      return state.phase === "admitting" ? refused(state, event.status, now, chance) : stay(state);
    case "unreachable":
      return state.phase === "admitting" ? lose(state, "network", now, chance) : stay(state);
    case "opened":
      if (state.phase !== "connecting") return stay(state);
      return enter({ ...state, heardAt: now, pingedAt: undefined }, "creating", now, [{ type: "create" }]);
    case "closed":
      return closed(state, event.code, event.reason, now, chance);
    case "probed":
      if (state.phase !== "probing") return stay(state);
      return event.ok ? begin(state, now) : stay(scheduleProbe(state, now, chance));
    case "audio_sent":
      return stay({ ...state, audioSentAt: state.audioSentAt ?? now });
    case "binary":
      return stay({ ...state, heardAt: now, pingedAt: undefined });
    case "message":
      return OPEN_PHASES.has(state.phase) ? heard(state, event.message, now, chance) : stay(state);
    case "tick":
      return tick(state, now, chance);
  }
}

function stay(state: LinkState, effects: readonly LinkEffect[] = []): LinkStep {
  return { state, effects };
}

function enter(state: LinkState, phase: LinkPhase, now: number, effects: readonly LinkEffect[] = []): LinkStep {
  const dwell = DWELL_MS[phase];
  return stay({ ...state, phase, since: now, deadline: dwell === undefined ? undefined : now + dwell }, effects);
}

function begin(state: LinkState, now: number): LinkStep {
  const fresh = { ...state, attempts: state.attempts + 1, audioSentAt: undefined, pingedAt: undefined };
  return enter({ ...fresh, status: undefined, retryAt: undefined }, "admitting", now, [{ type: "admit" }]);
}

function stop(state: LinkState, now: number): LinkStep {
  if (OVER.has(state.phase)) return stay(state);
  const effects: LinkEffect[] = accepts(state.phase) ? [{ type: "goodbye" }] : [];
  effects.push({ type: "close", code: 1000 });
  return enter({ ...state, reason: "client", fault: undefined }, "ended", now, effects);
}

function fail(state: LinkState, reason: string, now: number, fault?: Fault): LinkStep {
  const known = fault ?? state.fault;
  return enter({ ...state, reason, fault: known, lostAt: undefined }, "failed", now, [{ type: "close", code: 1000 }]);
}

/** The way to the gateway is broken: look for it, then begin a new session. */
function lose(state: LinkState, reason: string, now: number, chance: number): LinkStep {
  const lostAt = state.lostAt ?? now;
  const settled = state.readyAt !== undefined && now - state.readyAt >= SETTLED_MS;
  const attempts = settled ? 0 : state.attempts;
  if (attempts >= ATTEMPTS_MAX || now - lostAt > GIVE_UP_MS) return fail(state, "RECONNECT_FAILED", now);
  const lost = { ...state, phase: "probing" as const, since: now, lostAt, reason, attempts, readyAt: undefined };
  return stay(scheduleProbe(lost, now, chance), [{ type: "close", code: 1000 }]);
}

/** `deadline` of the phase `probing` is the next probe. Failed sessions in a row wait longer. */
function scheduleProbe(state: LinkState, now: number, chance: number): LinkState {
  const looking = now - (state.lostAt ?? now);
  const calm = looking > PROBE_EAGER_MS ? PROBE_SLOW_MS : PROBE_MS;
  const penalty = state.attempts <= 1 ? 0 : Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (state.attempts - 2));
  return { ...state, deadline: now + (calm + penalty) * (0.5 + chance / 2) };
}

function refused(state: LinkState, status: number, now: number, chance: number): LinkStep {
  if (status === 401 || status === 403) return fail(state, "NOT_AUTHORIZED", now);
  if (status === 429) return fail(state, "RATE_LIMITED", now);
  return lose(state, "gateway", now, chance);
}

function closed(state: LinkState, code: number, reason: string, now: number, chance: number): LinkStep {
  if (OVER.has(state.phase) || state.phase === "probing" || state.phase === "admitting") return stay(state);
  const final = FINAL_CLOSES.get(code);
  if (final !== undefined) return fail(state, final, now);
  // 1000 after session_ended has been handled there; a bare 1000 is a gateway that has finished with us.
  if (code === 1000 && accepts(state.phase)) return enter({ ...state, reason: reason || "gateway" }, "ended", now);
  return lose(state, reason || `closed ${code}`, now, chance);
}

function heard(state: LinkState, message: GatewayMessage, now: number, chance: number): LinkStep {
  const alive = { ...state, heardAt: now, pingedAt: undefined };
  switch (message.type) {
    case "session_created":
      if (alive.phase !== "creating") return stay(alive);
      return enter({ ...alive, sessions: alive.sessions + 1 }, "preparing", now, [{ type: "accepted" }]);
    case "session_ready":
      if (alive.phase !== "preparing") return stay(alive);
      return enter(
        { ...alive, readyAt: now, lostAt: undefined, reason: undefined, fault: undefined, status: "live" },
        "ready",
        now,
      );
    case "audio_received": {
      const flowing = { ...alive, audioSentAt: undefined };
      return flowing.phase === "stalled" ? enter(flowing, "ready", now) : stay(flowing);
    }
    case "status": {
      const retryAt = message.retryInMs === undefined ? undefined : now + message.retryInMs;
      return stay({ ...alive, status: message.state, retryAt, fault: message.fault });
    }
    case "error":
      return heardError(alive, message, now, chance);
    case "session_ended": {
      if (message.fault === undefined) {
        return enter({ ...alive, reason: message.reason, fault: undefined }, "ended", now, [
          { type: "close", code: 1000 },
        ]);
      }
      // A gateway that stops, or lost its way to us, is no reason to stop talking: the next one takes over.
      if (CURED_BY_ANOTHER.has(message.fault.party)) return lose(alive, message.reason, now, chance);
      return fail(alive, message.reason, now, message.fault);
    }
    default:
      return stay(alive);
  }
}

function heardError(
  state: LinkState,
  error: Extract<GatewayMessage, { type: "error" }>,
  now: number,
  chance: number,
): LinkStep {
  const told = { ...state, fault: error.fault ?? state.fault };
  // The gateway does not know our session (any more): begin a new one. This is where a resume will be tried first.
  if (error.code === "NO_SESSION_EXISTS" && state.phase !== "creating") {
    return lose(told, error.code, now, chance);
  }
  if (FINAL_ERRORS.has(error.code)) return fail(told, error.code, now, error.fault);
  if (error.code === "SESSION_INITIALIZATION_FAILED" && state.phase !== "ready") {
    return error.retryable === false ? fail(told, error.code, now, error.fault) : stay(told);
  }
  if (error.code === "RATE_LIMITED" && state.phase === "creating") return fail(told, error.code, now, error.fault);
  return stay(state);
}

function tick(state: LinkState, now: number, chance: number): LinkStep {
  if (state.deadline !== undefined && now >= state.deadline) return expired(state, now, chance);
  if (!accepts(state.phase)) return stay(state);
  if (now - state.heardAt >= PONG_MS && state.pingedAt !== undefined) return lose(state, "silent", now, chance);
  const effects: LinkEffect[] = [];
  let next = state;
  if (state.phase === "ready" && state.audioSentAt !== undefined && now - state.audioSentAt >= STALL_MS) {
    next = { ...enter(state, "stalled", now).state };
  }
  if (now - next.heardAt >= PING_MS && next.pingedAt === undefined) {
    next = { ...next, pingedAt: now };
    effects.push({ type: "ping" });
  }
  return stay(next, effects);
}

function expired(state: LinkState, now: number, chance: number): LinkStep {
  if (state.phase === "probing") {
    if (now - (state.lostAt ?? now) > GIVE_UP_MS) return fail(state, "RECONNECT_FAILED", now);
    // The answer re-schedules; the deadline guards against a probe that never answers.
    return stay({ ...state, deadline: now + PROBE_SLOW_MS }, [{ type: "probe" }]);
  }
  if (state.phase === "preparing") return fail(state, "SESSION_INITIALIZATION_FAILED", now);
  return lose(state, `${state.phase} took too long`, now, chance);
}
