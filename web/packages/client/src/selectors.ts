/**
 * What follows from the state: one headline, and who may do what.
 *
 * What lives here: derivations. What never will: words; `Situation` names what to say, the view says it.
 */

import { accepts, rests } from "./link";
import type { Entry, Mic, Speech, VoiceState } from "./state";

/** What the headline is about. Exactly one at a time; the order below is the order of importance. */
export type Situation =
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "loading" }
  | { readonly kind: "welcome" }
  | { readonly kind: "failed"; readonly code: string }
  | { readonly kind: "ended"; readonly reason: string }
  | { readonly kind: "mic_denied" | "mic_missing" | "mic_busy" | "mic_lost" | "mic_silent" | "speaker_locked" }
  | { readonly kind: "mic_unloaded" }
  | { readonly kind: "lost" | "moving" | "slept"; readonly since: number; readonly recording: boolean }
  /** Nothing more fits into the ring: the oldest is let go. */
  | { readonly kind: "overflowing" }
  | { readonly kind: "fresh_session" }
  | { readonly kind: "connecting"; readonly since: number; readonly recording: boolean }
  | { readonly kind: "waking"; readonly since: number; readonly recording: boolean }
  | { readonly kind: "recovering"; readonly retryAt: number | undefined }
  | { readonly kind: "draining" }
  | { readonly kind: "catching_up" }
  | { readonly kind: "slow" }
  | { readonly kind: "asking_mic" }
  | { readonly kind: "tool"; readonly name: string; readonly since: number }
  | { readonly kind: "hearing" | "thinking" | "speaking" }
  | { readonly kind: "listening" | "hold" | "muted" | "mic_off" };

/** Less than this waits in an ordinary call. */
const CATCHING_UP_MS = 1_000;
const REPLAYING_MS = 300;
const MIC_TROUBLE: { readonly [phase in Mic["phase"]]?: "mic_denied" | "mic_missing" | "mic_busy" | "mic_lost" } = {
  denied: "mic_denied",
  missing: "mic_missing",
  busy: "mic_busy",
  lost: "mic_lost",
};

export function situation(state: VoiceState): Situation {
  const { link, mic, turn } = state;
  if (link.phase === "failed") return { kind: "failed", code: link.reason ?? "RECONNECT_FAILED" };
  if (state.config === undefined) {
    return state.configFault === undefined ? { kind: "loading" } : { kind: "unavailable", reason: state.configFault };
  }
  const trouble = MIC_TROUBLE[mic.phase];
  if (trouble !== undefined) return { kind: trouble };
  if (link.phase === "idle") return mic.phase === "asking" ? { kind: "asking_mic" } : { kind: "welcome" };
  if (link.phase === "ended") return { kind: "ended", reason: link.reason ?? "client" };
  const line = linkSituation(state);
  // What the line says explains why the microphone's script did not come.
  if (line === undefined && mic.phase === "unloaded") return { kind: "mic_unloaded" };
  return line ?? talkSituation(state, turn);
}

function linkSituation(state: VoiceState): Situation | undefined {
  const { link, mic } = state;
  const recording = mic.phase === "live";
  if (link.lostAt !== undefined && !accepts(link.phase)) return lostSituation(state, link.lostAt, recording);
  // Between the permission and the first sample nothing has changed for a person.
  if (mic.phase === "asking" || mic.phase === "opening") return { kind: "asking_mic" };
  if (!accepts(link.phase)) return { kind: "connecting", since: link.since, recording };
  if (link.phase === "preparing" || link.status === "connecting") return { kind: "waking", since: link.since, recording };
  if (state.speaker.phase === "locked") return { kind: "speaker_locked" };
  if (link.status === "recovering") return { kind: "recovering", retryAt: link.retryAt };
  if (link.status === "draining") return { kind: "draining" };
  const late = link.phase === "replaying" ? REPLAYING_MS : CATCHING_UP_MS;
  if (state.waitingMs > late && link.phase !== "stalled") return { kind: "catching_up" };
  if (link.phase === "stalled") return { kind: "slow" };
  return undefined;
}

function lostSituation(state: VoiceState, since: number, recording: boolean): Situation {
  const { link, ringMs, waitingMs } = state;
  if (link.retryAt !== undefined) return { kind: "recovering", retryAt: link.retryAt };
  if (recording && waitingMs >= ringMs) return { kind: "overflowing" };
  if (!link.resumable && link.sessions > 0 && link.phase !== "reconnecting") return { kind: "fresh_session" };
  if (link.reason === "draining") return { kind: "moving", since, recording };
  return { kind: link.reason === "slept" ? "slept" : "lost", since, recording };
}

function talkSituation(state: VoiceState, turn: VoiceState["turn"]): Situation {
  switch (turn.phase) {
    case "tool":
      return { kind: "tool", name: turn.tool ?? "", since: turn.since };
    case "user_speaking":
      return { kind: "hearing" };
    case "thinking":
      return { kind: "thinking" };
    case "agent_speaking":
      return { kind: "speaking" };
    case "idle":
    case "interrupted":
      return quietSituation(state);
  }
}

function quietSituation({ mic }: VoiceState): Situation {
  switch (mic.phase) {
    case "live":
      return mic.silent ? { kind: "mic_silent" } : { kind: "listening" };
    case "muted":
      return mic.holdToTalk ? { kind: "hold" } : { kind: "muted" };
    default:
      return { kind: "mic_off" };
  }
}

/** The person must do something before talking goes on. */
export function needsUser(kind: Situation["kind"]): boolean {
  return NEEDS_USER.has(kind);
}

const NEEDS_USER: ReadonlySet<Situation["kind"]> = new Set([
  "failed",
  "unavailable",
  "mic_denied",
  "mic_missing",
  "mic_busy",
  "mic_lost",
  "speaker_locked",
]);

const RECONNECTING: ReadonlySet<Situation["kind"]> = new Set([
  "lost",
  "moving",
  "slept",
  "overflowing",
  "fresh_session",
  "recovering",
]);

/** The agent state under the names that other skins of the field use. */
export function agentState(state: VoiceState): string {
  const { kind } = situation(state);
  if (kind === "failed" || kind === "unavailable") return "failed";
  if (RECONNECTING.has(kind)) return "reconnecting";
  if (kind === "connecting" || kind === "waking") {
    return state.mic.phase === "live" ? "pre-connect-buffering" : "connecting";
  }
  if (kind === "welcome" || kind === "ended" || kind === "loading") return "disconnected";
  if (kind === "thinking" || kind === "tool") return "thinking";
  return kind === "speaking" ? "speaking" : "listening";
}

/** A conversation is going on, however badly. */
export function inCall(state: VoiceState): boolean {
  return !rests(state.link.phase);
}

/** The microphone is open, or about to be. */
export function isMicOn({ phase }: Mic): boolean {
  return ["asking", "opening", "live", "muted"].includes(phase);
}

export function isSpeech(entry: Entry): entry is Speech {
  return entry.kind === "user" || entry.kind === "assistant";
}

/** Entries worth showing: an utterance nobody could transcribe leaves no empty line behind. */
export function shownEntries(state: VoiceState): readonly Entry[] {
  const last = state.entries.findLast((entry) => entry.kind === "user");
  const open = state.turn.phase === "user_speaking" || state.turn.phase === "thinking";
  return state.entries.filter(
    (entry) => !isSpeech(entry) || entry.text !== "" || (entry === last && open && !entry.final),
  );
}

/** Where an answer was cut, as a part of its text (0..1); 1 for one that was heard whole. */
export function heardPart({ cut }: Speech): number {
  if (cut === undefined) return 1;
  return cut.ofMs === 0 ? 0 : Math.min(1, cut.heardMs / cut.ofMs);
}
