/**
 * What a close code, a refusal or an error means for the link.
 *
 * What lives here: three tables. What never will: what the link does about it (`connection.ts`).
 *
 * `resume`: come back for the same session. `fresh`: that session is gone, another one will do. `stop`: coming
 * back unchanged would only repeat it. `end`: nothing is wrong.
 */

import type { Fault, Party } from "./protocol";

export type Verdict =
  | { readonly do: "resume" | "fresh" }
  | { readonly do: "stop" | "end"; readonly reason: string };

const RESUME: Verdict = { do: "resume" };
const FRESH: Verdict = { do: "fresh" };

/** Why one stays away after these; the ranges say the rest. */
const STOPS: Readonly<Record<number, string>> = {
  1008: "RATE_LIMITED",
  1009: "MESSAGE_TOO_LARGE",
  3000: "NOT_AUTHORIZED",
  4400: "INVALID_MESSAGE",
  4401: "NOT_AUTHORIZED",
  4403: "NOT_AUTHORIZED",
  4409: "REPLACED",
  4429: "RATE_LIMITED",
  4502: "RECONNECT_FAILED",
  4503: "RECONNECT_FAILED",
};

export function closeVerdict(code: number): Verdict {
  if (code === 1000 || code === 4408) return { do: "end", reason: code === 1000 ? "gateway" : "idle" };
  if (code === 4404 || code === 4507) return FRESH;
  const reason = STOPS[code] ?? (code >= 4400 && code < 4500 ? `closed ${code}` : undefined);
  return reason === undefined ? RESUME : { do: "stop", reason };
}

/** Errors that end the attempt to talk: repeating them would only repeat them. */
const FINAL_ERRORS: ReadonlySet<string> = new Set(["UNSUPPORTED_MODEL", "NOT_AUTHORIZED", "RECONNECT_FAILED"]);

export function isFinal(code: string): boolean {
  return FINAL_ERRORS.has(code);
}

/** Whose faults a new session does not share. */
const CURED_BY_ANOTHER: ReadonlySet<Party> = new Set(["gateway", "user_network"]);
/** Ends that are no failure although they bear a fault. */
const ORDINARY_ENDS: ReadonlySet<string> = new Set(["idle", "time_limit"]);

/** Nobody sits before a page for longer, as when a day's budget is spent. */
const WAITS_MS = 600_000;

/** After `session_ended`. A gateway that says when to come again has one who does. */
export function endVerdict(reason: string, fault: Fault | undefined, retryAfterMs: number | undefined): Verdict {
  if (retryAfterMs !== undefined && retryAfterMs <= WAITS_MS) return FRESH;
  if (fault === undefined || ORDINARY_ENDS.has(reason)) return { do: "end", reason };
  return CURED_BY_ANOTHER.has(fault.party) ? FRESH : { do: "stop", reason };
}

/** The ticket's HTTP status: without leave there is no talking; "later" is no "no"; anything else may pass. */
export function refusalVerdict(status: number, retryAfterMs: number | undefined): Verdict {
  if (status === 401 || status === 403) return { do: "stop", reason: "NOT_AUTHORIZED" };
  return status === 429 && retryAfterMs === undefined ? { do: "stop", reason: "RATE_LIMITED" } : RESUME;
}
