/**
 * What follows from the state: one headline, and who may do what.
 *
 * What lives here: derivations. What never will: words; `Situation` names what to say, the view says it.
 */

import { accepts } from "./connection";
import type { Entry, Speech, VoiceState } from "./state";

/** What the headline is about. Exactly one at a time; the order below is the order of importance. */
export type Situation =
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "loading" }
  | { readonly kind: "welcome" }
  | { readonly kind: "failed"; readonly code: string }
  | { readonly kind: "ended"; readonly reason: string }
  | { readonly kind: "mic_denied" | "mic_missing" | "mic_busy" | "mic_lost" | "mic_silent" | "speaker_locked" }
  | { readonly kind: "lost"; readonly since: number; readonly recording: boolean }
  | { readonly kind: "fresh_session" }
  | { readonly kind: "connecting"; readonly since: number; readonly recording: boolean }
  | { readonly kind: "waking"; readonly since: number; readonly recording: boolean }
  | { readonly kind: "recovering"; readonly retryAt: number | undefined }
  | { readonly kind: "catching_up" }
  | { readonly kind: "slow" }
  | { readonly kind: "asking_mic" }
  | { readonly kind: "tool"; readonly name: string; readonly since: number }
  | { readonly kind: "hearing" | "thinking" | "speaking" }
  | { readonly kind: "listening" | "hold" | "muted" | "mic_off" };

const CATCHING_UP_MS = 1_000;
const MIC_TROUBLE = { denied: "mic_denied", missing: "mic_missing", busy: "mic_busy", lost: "mic_lost" } as const;

export function situation(state: VoiceState): Situation {
  const { link, mic, turn } = state;
  if (link.phase === "failed") return { kind: "failed", code: link.reason ?? "RECONNECT_FAILED" };
  if (state.config === undefined) {
    return state.configFault === undefined ? { kind: "loading" } : { kind: "unavailable", reason: state.configFault };
  }
  if (mic.phase === "denied" || mic.phase === "missing" || mic.phase === "busy" || mic.phase === "lost") {
    return { kind: MIC_TROUBLE[mic.phase] };
  }
  if (link.phase === "idle") return mic.phase === "asking" ? { kind: "asking_mic" } : { kind: "welcome" };
  if (link.phase === "ended") return { kind: "ended", reason: link.reason ?? "client" };
  return linkSituation(state) ?? talkSituation(state, turn);
}

function linkSituation(state: VoiceState): Situation | undefined {
  const { link, mic } = state;
  const recording = mic.phase === "live";
  if (link.lostAt !== undefined && !accepts(link.phase)) {
    if (link.reason === "NO_SESSION_EXISTS") return { kind: "fresh_session" };
    return { kind: "lost", since: link.lostAt, recording };
  }
  if (mic.phase === "asking") return { kind: "asking_mic" };
  if (!accepts(link.phase)) return { kind: "connecting", since: link.since, recording };
  if (link.phase === "preparing") return { kind: "waking", since: link.since, recording };
  if (state.speaker.phase === "locked") return { kind: "speaker_locked" };
  if (link.status === "recovering") return { kind: "recovering", retryAt: link.retryAt };
  if (state.waitingMs > CATCHING_UP_MS) return { kind: "catching_up" };
  if (link.phase === "stalled") return { kind: "slow" };
  return undefined;
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

/** The agent state under the names that other skins of the field use. */
export function agentState(state: VoiceState): string {
  const { kind } = situation(state);
  if (kind === "failed" || kind === "unavailable") return "failed";
  if (kind === "lost" || kind === "fresh_session" || kind === "recovering") return "reconnecting";
  if (kind === "connecting" || kind === "waking") {
    return state.mic.phase === "live" ? "pre-connect-buffering" : "connecting";
  }
  if (kind === "welcome" || kind === "ended" || kind === "loading") return "disconnected";
  if (kind === "thinking" || kind === "tool") return "thinking";
  return kind === "speaking" ? "speaking" : "listening";
}

/** A conversation is going on, however badly. */
export function inCall(state: VoiceState): boolean {
  return state.link.phase !== "idle" && state.link.phase !== "ended" && state.link.phase !== "failed";
}

/** Entries worth showing: an utterance nobody could transcribe leaves no empty line behind. */
export function shownEntries(state: VoiceState): readonly Entry[] {
  const last = state.entries.findLast((entry) => entry.kind === "user");
  const open = state.turn.phase === "user_speaking" || state.turn.phase === "thinking";
  return state.entries.filter(
    (entry) =>
      entry.kind === "divider" || entry.kind === "gap" || entry.text !== "" || (entry === last && open && !entry.final),
  );
}

/** Where an answer was cut, as a part of its text (0..1); 1 for one that was heard whole. */
export function heardPart({ cut }: Speech): number {
  if (cut === undefined) return 1;
  return cut.ofMs === 0 ? 0 : Math.min(1, cut.heardMs / cut.ofMs);
}

/** The conversation as plain text, for keeping. */
export function transcriptText(state: VoiceState, names: { user: string; assistant: string; divider: string }): string {
  const lines = shownEntries(state).map((entry) => {
    const at = new Date(entry.at).toISOString().slice(0, 19).replace("T", " ");
    if (entry.kind === "divider") return `--- ${names.divider} ---`;
    if (entry.kind === "gap") return `[${at}] (${(entry.ms / 1000).toFixed(1)} s of speech could not be kept)`;
    const cut = entry.cut === undefined ? "" : " (interrupted)";
    return `[${at}] ${entry.kind === "user" ? names.user : names.assistant}: ${entry.text}${cut}`;
  });
  return `${lines.join("\n")}\n`;
}
