/**
 * What the gateway tells the console, as types: `/api/console/...`.
 *
 * What lives here: shapes, all of them, and nothing that runs. What never will: what the page makes of them.
 *
 * `at` and `...At` are whole milliseconds since 1970 by the gateway's clock, `..._ms` and `...Ms` are milliseconds,
 * `..._usd` is money. What is absent is not known. Words of an enumeration that a newer gateway adds are shown as
 * they come: that is why they are strings with known members.
 */

import type { Party } from "@holdfast/client";

export type { Party };

/** Known words, and whatever else a newer gateway says. */
type Word<Known extends string> = Known | (string & {});

export type Source = Word<"browser" | "realtime" | "call">;
export type SessionState = Word<"connecting" | "live" | "recovering" | "degraded" | "away" | "ended">;
export type Health = Word<"good" | "unsure" | "bad" | "none">;
export const PLACES = ["microphone", "network", "gateway", "upstream", "speaker"] as const;
export type Place = (typeof PLACES)[number];

export interface Upstream {
  readonly name: string;
  readonly kind: string;
  readonly model?: string;
}

/** One occurrence of a fault, in the operator's words. */
export interface Fault {
  readonly at?: number;
  readonly code: string;
  readonly party: Word<Party>;
  readonly message: string;
  readonly remedy?: string;
  readonly evidence?: readonly string[];
  /** Whether it ended the session. */
  readonly ended?: boolean;
}

/** `id` rises by one. */
export interface FaultSeen extends Fault {
  readonly id: number;
  readonly at: number;
  readonly session?: string | null;
  readonly source?: Source;
  readonly customer?: string | null;
  readonly upstream?: string | null;
}

/** One session, as the list shows it. */
export interface Row {
  readonly id: string;
  readonly source: Source;
  readonly customer?: string | null;
  readonly upstream?: Upstream | null;
  readonly state: SessionState;
  readonly phase?: Word<"listening" | "user_speaking" | "thinking" | "answering">;
  readonly beganAt: number;
  readonly endedAt?: number | null;
  readonly turns: number;
  /** 0 to 100: how much somebody should look. */
  readonly attention: number;
  readonly why: string;
  readonly health: Readonly<Record<Place, Health>>;
  /** Each way: how old the last audio was at the event's `at`. 0: it flows until told otherwise. Absent: none yet. */
  readonly lastIn_ms?: number | null;
  readonly lastOut_ms?: number | null;
  readonly silence_ms?: number | null;
  readonly cost_usd?: number | null;
  readonly costEstimated?: boolean;
  readonly faults: number;
  readonly lastFault?: Fault | null;
}

export interface Gateway {
  readonly version: string;
  readonly uptimeS: number;
  readonly state: Word<"serving" | "draining">;
  readonly loopLagMs?: number;
  /** Of one core, 0 to 1. */
  readonly cpu?: number;
  readonly sessions: number;
  readonly sessionsMax?: number;
  /** What the gateway does about its load. */
  readonly load?: Word<"none" | "refuse" | "shed" | "close">;
  readonly workers?: number;
  /** A sentence that the operator has to know, such as that other workers are not shown. */
  readonly banner?: string | null;
}

export interface Cost {
  readonly currency: string;
  readonly today: number;
  readonly perMinute: number;
  readonly rebuilt: number;
  readonly wasted: number;
  readonly estimated?: boolean;
  /** How many responses were of models whose price is not known. */
  readonly unpriced?: number;
}

export interface TurnRef {
  readonly session: string;
  readonly turn: number;
}

export interface Bucket {
  readonly fromMs: number;
  /** Absent: no upper end. */
  readonly toMs?: number | null;
  readonly count: number;
  readonly examples: readonly TurnRef[];
}

export interface LatencyPoint {
  readonly at: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly turns: number;
}

/** `p50` and `p95` are the parts of the typical turn at that percentile and their sum, `total`. */
export interface Latency {
  readonly segments: readonly string[];
  readonly p50: Readonly<Record<string, number>>;
  readonly p95: Readonly<Record<string, number>>;
  readonly series: readonly LatencyPoint[];
  readonly histogram: readonly Bucket[];
  readonly turns?: number;
  /** Whether turns were measured at the user's ear, or at the gateway alone. */
  readonly sides?: Word<"server" | "browser">;
  /** Turns whose clients don't tell what was heard, where others do. */
  readonly leftOut?: number;
}

/** `event: snapshot`. */
export interface Snapshot {
  readonly at: number;
  readonly gateway: Gateway;
  readonly rows: readonly Row[];
  readonly faults: readonly FaultSeen[];
  readonly cost?: Cost | null;
  readonly latency?: Latency | null;
}

/** `event: changes`: what is absent is as it was. */
export interface Changes {
  readonly at: number;
  readonly gateway?: Gateway;
  readonly rows?: readonly Row[];
  readonly gone?: readonly string[];
  readonly faults?: readonly FaultSeen[];
  readonly cost?: Cost | null;
  readonly latency?: Latency | null;
}

export const LANES = ["client", "user", "assistant", "tool", "upstream", "fault", "loss"] as const;
export type Lane = (typeof LANES)[number];

export interface Entry {
  readonly t_ms: number;
  readonly lane: Word<Lane>;
  readonly kind: string;
  readonly text: string;
  readonly durationMs?: number | null;
  readonly data?: Readonly<Record<string, unknown>> | null;
}

export interface Segment {
  readonly name: string;
  readonly ms: number;
}

export interface Turn {
  readonly n: number;
  readonly began_ms: number;
  /** When the user's speech ended. */
  readonly endedMs?: number | null;
  readonly silenceMs?: number | null;
  readonly segments?: readonly Segment[];
  readonly answerMs?: number | null;
  readonly interruptedAfterMs?: number | null;
  readonly cost_usd?: number | null;
  readonly responseIds?: readonly string[];
}

/** One second of a session. */
export interface Level {
  readonly t_ms: number;
  /** Seconds of audio that came from the user, and that went to them. */
  readonly in?: number;
  readonly out?: number;
  /** Of the user's speech, held for the upstream. */
  readonly held_ms?: number;
  /** Of the answer, ahead at the user's speaker. */
  readonly ahead_ms?: number;
}

export interface SessionCost {
  readonly total_usd: number;
  readonly rebuilt_usd?: number;
  readonly wasted_usd?: number;
  readonly estimated?: boolean;
}

export interface Verdict {
  readonly sentence: string;
  readonly party?: Word<Party> | null;
  readonly code?: string | null;
}

/** `GET /api/console/sessions/ID`. */
export interface SessionDocument {
  readonly at?: number;
  readonly row: Row;
  readonly timeline: readonly Entry[];
  readonly turns: readonly Turn[];
  readonly levels?: readonly Level[];
  readonly providerSessions?: readonly string[];
  readonly transcript?: readonly { readonly t_ms: number; readonly who: string; readonly text: string }[];
  readonly cost?: SessionCost | null;
  readonly verdict?: Verdict | null;
  readonly hasRecording?: boolean;
  /** Whether the beginning was forgotten. */
  readonly truncated?: boolean;
}

export interface Cause {
  readonly code: string;
  readonly party: Word<Party>;
  /** 0 to 100. */
  readonly weight: number;
  readonly sentence?: string;
  readonly evidence: readonly string[];
}

/** `GET /api/console/sessions/ID/explain`. */
export interface Explanation extends Verdict {
  readonly evidence: readonly string[];
  readonly ranked: readonly Cause[];
  readonly next: string;
  readonly support?: { readonly text: string } | null;
}

/** One check of `GET /api/console/checks`, as `holdfast doctor --json` has it. */
export interface Check {
  readonly id: string;
  readonly name: string;
  readonly status: Word<"ok" | "warning" | "failed" | "skipped">;
  readonly detail?: string;
  readonly remedy?: string;
  readonly ms?: number;
  readonly fault?: { readonly code: string; readonly message: string; readonly remedy?: string };
}

export interface Checks {
  readonly checks: readonly Check[];
}

/** `GET /api/console/me`. */
export interface Me {
  readonly signedIn: boolean;
  readonly needsKey: boolean;
  readonly mayAct: boolean;
  readonly csrf: string;
  /** Why nobody is let in, where no key would help. */
  readonly reason?: string;
  readonly version?: string;
  readonly may?: readonly string[];
}

/** The body of every refusal. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}
