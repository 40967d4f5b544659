/**
 * What each happening does to what the page shows. Pure: the same log gives the same page.
 *
 * What lives here: transitions. What never will: words, clocks, effects.
 */

import { initialLink, rests } from "./link";
import type { GatewayMessage, Upstream } from "./protocol";
import { isTyped, rebuilt, TYPED } from "./snapshot";
import {
  initialState,
  type Action,
  type Entry,
  type Gap,
  type Note,
  type Notice,
  type Speech,
  type Turn,
  type TurnPhase,
  type VoiceState,
} from "./state";

export const ENTRIES_MAX = 1_000;
/** From here on a person is told that the session ends soon. */
export const ENDS_SOON_MS = 120_000;
/** Actions that the page answers with a form; others are for pages that know them. */
const FORM_ACTIONS: ReadonlySet<string> = new Set(["open_form", "request_callback"]);
/** No phase of a turn lasts for ever, whatever the gateway forgets to say. */
const DWELL_MS: Readonly<Record<Exclude<TurnPhase, "idle">, number>> = {
  user_speaking: 120_000,
  thinking: 30_000,
  tool: 60_000,
  agent_speaking: 600_000,
  interrupted: 10_000,
};
/** Notices that are over as soon as the gateway serves again. */
const CURED_BY_READY: ReadonlySet<string> = new Set(["SESSION_INITIALIZATION_FAILED", "RECONNECT_FAILED"]);
/** Told by the link's own state; a notice beside it would say the same thing twice. */
const TOLD_BY_LINK: ReadonlySet<string> = new Set(["NO_SESSION_EXISTS", "OPENAI_CONNECTION_NOT_READY"]);

export function reduce(state: VoiceState, action: Action): VoiceState {
  switch (action.type) {
    case "configured":
      return { ...state, config: action.config, configFault: undefined };
    case "config_failed":
      return { ...state, configFault: action.reason };
    case "started":
      return {
        ...state,
        notices: [],
        form: undefined,
        // The worker takes over from here; until its first word the page is already in a call.
        link: { ...initialLink(action.at), phase: "probing" },
      };
    case "link":
      return linked(state, action.link, action.at);
    case "message":
      return heard(state, action.message, action.at);
    case "waiting":
      if (action.ms === state.waitingMs && action.ringMs === state.ringMs) return state;
      return { ...state, waitingMs: action.ms, ringMs: action.ringMs };
    case "overflowed":
      return lost(state, "user", action.ms, action.at);
    case "mic":
      return {
        ...state,
        mic: { ...state.mic, phase: action.phase, silent: false, deviceId: action.deviceId ?? state.mic.deviceId },
      };
    case "mic_silent":
      return { ...state, mic: { ...state.mic, silent: action.silent } };
    case "hold_to_talk":
      return { ...state, mic: { ...state.mic, holdToTalk: action.on } };
    case "speaker":
      // Each click unlocks it; what plays goes on, and can be stopped.
      if (action.phase === "ready" && state.speaker.phase === "playing") return state;
      return { ...state, speaker: { ...state.speaker, phase: action.phase } };
    case "playing":
      return playing(state, action);
    case "quiet":
      return quiet(state, action.underruns, action.at);
    case "typed":
      return typed(state, action.id, action.text, action.at);
    case "unanswered":
      return {
        ...state,
        entries: state.entries.map((entry) =>
          entry.kind === "user" && action.ids.some((id) => TYPED + id === entry.id) ? { ...entry, status: action.type } : entry,
        ),
      };
    case "silenced":
      return cutAnswer(
        { ...state, turn: turn(state, "idle", action.at), speaker: quietSpeaker(state) },
        state.speaker.phase === "playing" ? state.speaker.itemId : undefined,
        state.speaker.heardMs,
      );
    case "devices":
      return { ...state, devices: action.devices };
    case "tick":
      return ticked(state, action.at);
    case "form_closed":
      return { ...state, form: undefined };
    case "dismissed":
      return { ...state, notices: state.notices.filter((notice) => notice.code !== action.code) };
    case "forgotten":
      return { ...state, entries: [], notices: [], form: undefined, session: undefined };
    case "reset":
      return { ...initialState(0), config: action.config };
  }
}

function linked(state: VoiceState, link: VoiceState["link"], at: number): VoiceState {
  const next = { ...state, link };
  // What was being said by a session that is gone will not be ended by it.
  return rests(link.phase)
    ? { ...next, endsInMs: undefined, turn: { ...turn(next, "idle", at), response: undefined } }
    : next;
}

function ticked(state: VoiceState, at: number): VoiceState {
  const left = (state.session?.endsAt ?? Infinity) - at;
  const endsInMs = left <= ENDS_SOON_MS && !rests(state.link.phase) ? Math.max(0, left) : undefined;
  const late = state.turn.phase !== "idle" && at - state.turn.since > DWELL_MS[state.turn.phase];
  if (!late && endsInMs === state.endsInMs) return state;
  return { ...state, endsInMs, turn: late ? turn(state, "idle", at) : state.turn };
}

function heard(state: VoiceState, message: GatewayMessage, at: number): VoiceState {
  switch (message.type) {
    case "session_created":
      return created(state, message, at);
    case "session_ready":
      return cured(served(state, message.upstream, at));
    case "session_resumed":
      return resumed(state, message, at);
    case "snapshot":
      return remembered(state, message, at);
    case "status":
      return status(state, message, at);
    case "speech_started": {
      const heardNow = { ...state, turn: turn(state, "user_speaking", at) };
      return message.itemId === undefined ? heardNow : speak(heardNow, "user", message.itemId, at, {});
    }
    case "speech_stopped":
      return { ...state, turn: turn(state, "thinking", at) };
    case "user_transcript":
      return speak(adopt(state, message), "user", message.itemId, at, message);
    case "response_started":
      return {
        ...state,
        turn: { ...turn(state, state.turn.phase === "idle" ? "thinking" : state.turn.phase, at), response: message.responseId },
      };
    case "assistant_transcript":
      return speak(state, "assistant", message.itemId, at, message);
    case "interrupted":
      return cutAnswer(state, message.itemId ?? state.speaker.itemId, message.playedMs ?? state.speaker.heardMs);
    case "response_done":
      return responded(state, message, at);
    case "tool_started":
      return { ...state, turn: { ...turn(state, "tool", at), tool: message.name } };
    case "tool_done":
      return state.turn.phase === "tool" ? { ...state, turn: turn(state, "thinking", at) } : state;
    case "client_action":
      if (!FORM_ACTIONS.has(message.action)) return state;
      return { ...state, form: { target: message.target, arguments: message.arguments ?? {} } };
    case "audio_lost":
      // What was cut stands in the transcript as not heard.
      if (message.reason === "truncated") return state;
      return lost(state, "assistant", ((message.to - message.from) * 1000) / 24_000, at);
    case "error":
      return told(state, message, at);
    default:
      return state;
  }
}

function turn(state: VoiceState, phase: TurnPhase, at: number): Turn {
  if (phase === state.turn.phase) return state.turn;
  return { phase, since: at, tool: undefined, response: state.turn.response };
}

function created(
  state: VoiceState,
  message: Extract<GatewayMessage, { type: "session_created" }>,
  at: number,
): VoiceState {
  const seconds = message.limits?.sessionSeconds;
  const next = {
    ...state,
    session: {
      upstream: message.upstream,
      context: "full" as const,
      endsAt: seconds === undefined ? undefined : at + seconds * 1000,
    },
    endsInMs: undefined,
    turn: { phase: "idle" as const, since: at, tool: undefined, response: undefined },
  };
  // A question that began the conversation stands in it, not above it.
  if (!state.session || !state.entries[0]) return next;
  return append(next, { kind: "divider", id: `divider:${message.sessionId}`, at });
}

/** What a reloaded page knows of the session it takes up. */
const UNKNOWN_SESSION: NonNullable<VoiceState["session"]> = { upstream: undefined, context: "full", endsAt: undefined };

/** Another upstream than before is named; the first one stands at the side of the page. */
function served(state: VoiceState, upstream: Upstream, at: number): VoiceState {
  const before = state.session?.upstream;
  const session = { ...(state.session ?? UNKNOWN_SESSION), upstream: { ...before, ...upstream } };
  const next = { ...state, session };
  return before === undefined || before.name === upstream.name ? next : note(next, { what: "upstream", upstream }, at);
}

function cured(state: VoiceState): VoiceState {
  return { ...state, notices: state.notices.filter((notice) => !CURED_BY_READY.has(notice.code)) };
}

function resumed(
  state: VoiceState,
  { contextRestored = "full" }: Extract<GatewayMessage, { type: "session_resumed" }>,
  at: number,
): VoiceState {
  const session = state.session ?? UNKNOWN_SESSION;
  const next = cured({ ...state, session: { ...session, context: contextRestored } });
  // Said once, not after each of many drops, and not of a conversation in which nothing was said yet.
  const isNews = contextRestored !== "full" && contextRestored !== session.context;
  if (!isNews || !state.entries.some((entry) => "text" in entry)) return next;
  return note(next, { what: "restored", context: contextRestored }, at);
}

/** What the gateway could not send again it tells as a whole. */
function remembered(
  state: VoiceState,
  { items }: Extract<GatewayMessage, { type: "snapshot" }>,
  at: number,
): VoiceState {
  const next = { ...state, entries: rebuilt(state.entries, items, at), turn: { ...turn(state, "idle", at), response: undefined } };
  const known = new Map(state.entries.map((entry) => [entry.id, entry.kind === "assistant" ? entry.text : ""]));
  const unspoken = items.some(({ id, role, text = "" }) => role === "assistant" && text.length > (known.get(id) ?? "").length);
  // On a page that was just loaded everything is new, and nothing was missed.
  return unspoken && state.entries.length > 0 ? note(next, { what: "unspoken" }, at) : next;
}

function status(state: VoiceState, said: Extract<GatewayMessage, { type: "status" }>, at: number): VoiceState {
  let next = said.upstream === undefined ? state : served(state, said.upstream, at);
  for (const words of said.notes ?? []) next = note(next, { what: "words", words }, at);
  if (said.state === "live") return { ...next, notices: next.notices.filter(({ isStatus }) => !isStatus) };
  if (said.state !== "degraded" || said.fault === undefined) return next;
  const { code, message } = said.fault;
  const notice: Notice = { code, message, fault: said.fault, at, count: 1, isStatus: true };
  return { ...next, notices: [...next.notices.filter((other) => other.code !== code), notice] };
}

function note(state: VoiceState, about: Note["about"], at: number): VoiceState {
  return append(state, { kind: "note", id: `note:${at}:${state.entries.length}`, at, about });
}

/** A typed sentence that comes back as a transcript is the same sentence. */
function adopt(state: VoiceState, message: { readonly itemId: string; readonly text: string }): VoiceState {
  const index = state.entries.findLastIndex((entry) => isTyped(entry.id) && "text" in entry && entry.text === message.text);
  if (index < 0 || state.entries.some((entry) => entry.id === message.itemId)) return state;
  return replace(state, index, (entry) => ({ ...entry, id: message.itemId }));
}

function speak(
  state: VoiceState,
  kind: Speech["kind"],
  id: string,
  at: number,
  said: { readonly text?: string; readonly final?: boolean; readonly responseId?: string },
): VoiceState {
  const index = state.entries.findIndex((entry) => entry.id === id && entry.kind === kind);
  if (index < 0) {
    return append(state, {
      kind,
      id,
      text: said.text ?? "",
      final: said.final ?? false,
      at,
      typed: isTyped(id),
      responseId: said.responseId,
      status: undefined,
      cut: undefined,
    });
  }
  return replace(state, index, (entry) => {
    // The final text is the whole; until then each message brings the new part.
    const text = said.final === true ? (said.text ?? entry.text) : entry.text + (said.text ?? "");
    return { ...entry, text, final: entry.final || said.final === true };
  });
}

function typed(state: VoiceState, id: string, text: string, at: number): VoiceState {
  return { ...speak(state, "user", TYPED + id, at, { text, final: true }), turn: turn(state, "thinking", at) };
}

function responded(
  state: VoiceState,
  message: Extract<GatewayMessage, { type: "response_done" }>,
  at: number,
): VoiceState {
  const entries = state.entries.map((entry) =>
    entry.kind === "assistant" && entry.responseId === message.responseId
      ? { ...entry, final: true, status: message.status }
      : entry,
  );
  const running = state.turn.response === message.responseId ? undefined : state.turn.response;
  const waiting = state.turn.phase === "thinking" || state.turn.phase === "tool";
  const spoke = entries.some((entry) => entry.kind === "assistant" && entry.responseId === message.responseId);
  // A response that only called a tool is followed by the one that speaks: still thinking until that begins.
  const over = waiting && running === undefined && (spoke || message.status !== "completed");
  const phase = over ? "idle" : state.turn.phase;
  // Of an answer that failed an error tells, too.
  return { ...state, entries, turn: { ...turn(state, phase, at), response: running } };
}

function playing(state: VoiceState, action: Extract<Action, { type: "playing" }>): VoiceState {
  const { itemId, heardMs, ofMs, at } = action;
  const speaker = { ...state.speaker, phase: "playing" as const, itemId, heardMs, ofMs };
  const speaking = state.turn.phase === "user_speaking" ? state.turn : turn(state, "agent_speaking", at);
  return { ...state, speaker, turn: speaking };
}

function quiet(state: VoiceState, underruns: number, at: number): VoiceState {
  const speaker = { ...quietSpeaker(state), underruns };
  if (state.turn.phase !== "agent_speaking") return { ...state, speaker };
  return { ...state, speaker, turn: turn(state, state.turn.response === undefined ? "idle" : "thinking", at) };
}

function quietSpeaker(state: VoiceState): VoiceState["speaker"] {
  return state.speaker.phase === "playing" ? { ...state.speaker, phase: "ready" } : state.speaker;
}

function cutAnswer(state: VoiceState, itemId: string | undefined, heardMs: number): VoiceState {
  const index = state.entries.findIndex((entry) => entry.kind === "assistant" && entry.id === itemId);
  if (index < 0) return state;
  const { speaker, turn } = state;
  const ofMs = speaker.itemId === itemId ? speaker.ofMs : 0;
  const sounded = ofMs > 0 && speaker.heardMs >= ofMs;
  return replace(state, index, (entry) =>
    // An answer that had sounded to its end was not cut, whatever came right after it.
    sounded && entry.responseId !== turn.response
      ? entry
      : { ...entry, final: true, cut: { heardMs, ofMs: Math.max(ofMs, heardMs) } },
  );
}

function lost(state: VoiceState, of: Gap["of"], ms: number, at: number): VoiceState {
  const index = state.entries.findLastIndex(({ kind }) => kind !== "note");
  const last = state.entries[index];
  // One gap grows, until somebody says something; a hundred lines of 20 ms would tell nobody anything.
  if (last?.kind === "gap" && last.of === of) {
    return { ...state, entries: state.entries.with(index, { ...last, ms: last.ms + ms }) };
  }
  return append(state, { kind: "gap", id: `gap:${at}:${state.entries.length}`, at, ms, of });
}

function told(state: VoiceState, error: Extract<GatewayMessage, { type: "error" }>, at: number): VoiceState {
  // The link waits, or has failed of it: the headline says so.
  const isHeadline = CURED_BY_READY.has(error.code) && (error.retryAfterMs ?? error.retryable === false);
  if (TOLD_BY_LINK.has(error.code) || isHeadline) return state;
  const before = state.notices.find((notice) => notice.code === error.code);
  const notice: Notice = {
    code: error.code,
    message: error.fault?.message ?? error.message,
    fault: error.fault,
    at,
    count: (before?.count ?? 0) + 1 + (error.suppressed ?? 0),
    isStatus: false,
  };
  const others = state.notices.filter((other) => other.code !== error.code);
  return { ...state, notices: [...others, notice] };
}

function append(state: VoiceState, entry: Entry): VoiceState {
  return { ...state, entries: [...state.entries, entry].slice(-ENTRIES_MAX) };
}

function replace(state: VoiceState, index: number, change: (entry: Speech) => Speech): VoiceState {
  const entries = state.entries.map((entry, at) =>
    at === index && (entry.kind === "user" || entry.kind === "assistant") ? change(entry) : entry,
  );
  return { ...state, entries };
}
