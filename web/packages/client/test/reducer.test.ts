import { describe, expect, it } from "vitest";
import { initialLink } from "../src/connection";
import type { GatewayMessage, PageConfig } from "../src/protocol";
import { ENTRIES_MAX, reduce } from "../src/reducer";
import { agentState, heardPart, shownEntries, situation, transcriptText } from "../src/selectors";
import { initialState, type Action, type Speech, type VoiceState } from "../src/state";

const CONFIG: PageConfig = {
  customer: { id: "C-1", name: "Anna" },
  assistant: { name: "Sherpa" },
  greeting: "Hi",
  socketPath: "/s",
  csrfToken: "t",
  ticketRequired: false,
  demo: null,
  upstream: { name: "local", kind: "local" },
};
const READY: Action = { type: "link", at: 0, link: { ...initialLink(0), phase: "ready", sessions: 1 } };
const LIVE: Action = { type: "mic", phase: "live" };

function said(...messages: GatewayMessage[]): Action[] {
  return messages.map((message, at) => ({ type: "message", message, at }));
}

function after(...actions: Action[]): VoiceState {
  return actions.reduce(reduce, reduce(initialState(0), { type: "configured", config: CONFIG }));
}

function speeches(state: VoiceState): Speech[] {
  return state.entries.filter((entry): entry is Speech => entry.kind === "user" || entry.kind === "assistant");
}

const started: GatewayMessage = { type: "speech_started", itemId: "u1" };
const words = (text: string, final: boolean): GatewayMessage => ({ type: "user_transcript", itemId: "u1", text, final });
const reply = (text: string, final: boolean): GatewayMessage => ({
  type: "assistant_transcript",
  responseId: "r1",
  itemId: "a1",
  text,
  final,
});

describe("the transcript", () => {
  it("grows by parts and ends with the whole", () => {
    const state = after(...said(started, words("When ", false), words("is", false), words("When is it?", true)));
    expect(speeches(state)).toMatchObject([{ kind: "user", text: "When is it?", final: true }]);
  });

  it("keeps the order of speaking when the transcript comes after the answer", () => {
    const state = after(...said(started, reply("On Monday.", true), words("When?", true)));
    expect(speeches(state).map(({ text }) => text)).toEqual(["When?", "On Monday."]);
  });

  it("shows a typed sentence once, although the gateway says it again", () => {
    const state = after({ type: "typed", id: "1", text: "When?", at: 0 }, ...said(words("When?", true)));
    expect(speeches(state)).toMatchObject([{ id: "u1", text: "When?", typed: true }]);
  });

  it("leaves no empty line behind for what nobody understood", () => {
    const hearing = after(READY, LIVE, ...said(started));
    expect(shownEntries(hearing)).toHaveLength(1);
    const over = reduce(hearing, { type: "tick", at: 1e9 });
    expect(shownEntries(over)).toHaveLength(0);
  });

  it("draws a line under the old session, and none above the first", () => {
    const created = (sessionId: string): GatewayMessage => ({
      type: "session_created",
      sessionId,
      upstream: CONFIG.upstream,
    });
    const state = after(...said(created("s1"), started, words("Hello", true), created("s2")));
    expect(state.entries.map(({ kind }) => kind)).toEqual(["user", "divider"]);
  });

  it("marks how much of a cut answer was heard", () => {
    const state = after(
      ...said(reply("One two three four", true)),
      { type: "playing", itemId: "a1", heardMs: 500, ofMs: 2_000, at: 0 },
      ...said({ type: "interrupted", responseId: "r1", itemId: "a1", playedMs: 500 }),
    );
    const [answer] = speeches(state);
    expect(answer?.cut).toEqual({ heardMs: 500, ofMs: 2_000 });
    expect(heardPart(answer!)).toBe(0.25);
  });

  it("lets one gap grow instead of telling of each lost frame", () => {
    const lost: Action = { type: "overflowed", ms: 20, at: 5 };
    expect(after(lost, lost, lost).entries).toMatchObject([{ kind: "gap", ms: 60 }]);
  });

  it("is bounded", () => {
    const typed = Array.from({ length: ENTRIES_MAX + 20 }, (_, n): Action => ({ type: "typed", id: `${n}`, text: `${n}`, at: n }));
    const state = after(...typed);
    expect(state.entries).toHaveLength(ENTRIES_MAX);
    expect(speeches(state)[0]?.text).toBe("20");
  });

  it("can be kept as text", () => {
    const state = after({ type: "typed", id: "1", text: "When?", at: 0 }, { type: "overflowed", ms: 1_500, at: 1_000 });
    expect(transcriptText(state, { user: "You", assistant: "Sherpa", divider: "New session" })).toBe(
      "[1970-01-01 00:00:00] You: When?\n[1970-01-01 00:00:01] (1.5 s of speech could not be kept)\n",
    );
  });
});

describe("the turn", () => {
  const kinds = (...actions: Action[]): string => situation(after(READY, LIVE, ...actions)).kind;

  it("goes from hearing to thinking to speaking to listening", () => {
    const hearing = said(started);
    const thinking: Action[] = [...hearing, ...said({ type: "speech_stopped", itemId: "u1" })];
    const speaking: Action[] = [
      ...thinking,
      ...said({ type: "response_started", responseId: "r1" }),
      { type: "playing", itemId: "a1", heardMs: 0, ofMs: 100, at: 1 },
    ];
    const quiet: Action[] = [
      ...speaking,
      ...said({ type: "response_done", responseId: "r1", status: "completed" }),
      { type: "quiet", underruns: 0, at: 2 },
    ];
    expect([kinds(), kinds(...hearing), kinds(...thinking), kinds(...speaking), kinds(...quiet)]).toEqual([
      "listening",
      "hearing",
      "thinking",
      "speaking",
      "listening",
    ]);
  });

  it("goes on thinking after a response that only called a tool", () => {
    const tool = said(
      { type: "response_started", responseId: "r1" },
      { type: "tool_started", callId: "c", name: "balance" },
      { type: "response_done", responseId: "r1", status: "completed" },
      { type: "tool_done", callId: "c", name: "balance", status: "ok" },
    );
    expect(kinds(...tool)).toBe("thinking");
  });

  it("never lasts for ever", () => {
    expect(kinds(...said(started), { type: "tick", at: 1e9 })).toBe("listening");
  });

  it("ends with the link that carried it", () => {
    const lost: Action = { type: "link", at: 0, link: { ...initialLink(0), phase: "probing", lostAt: 5, reason: "network" } };
    expect(situation(after(READY, LIVE, ...said(started), lost))).toMatchObject({ kind: "lost", recording: true });
  });
});

describe("notices", () => {
  it("say the gateway's own words and count what it held back", () => {
    const limited: GatewayMessage = { type: "error", code: "RATE_LIMITED", message: "Too much.", suppressed: 4 };
    expect(after(...said(limited, limited)).notices).toMatchObject([{ code: "RATE_LIMITED", message: "Too much.", count: 10 }]);
  });

  it("about the start are over when the session is ready", () => {
    const failed: GatewayMessage = { type: "error", code: "SESSION_INITIALIZATION_FAILED", message: "No." };
    const ready: GatewayMessage = { type: "session_ready", upstream: CONFIG.upstream };
    expect(after(...said(failed, ready)).notices).toHaveLength(0);
  });

  it("do not repeat what the headline says", () => {
    expect(after(...said({ type: "error", code: "NO_SESSION_EXISTS", message: "" })).notices).toHaveLength(0);
  });
});

describe("the headline", () => {
  it.each<[string, Action[], string, string]>([
    ["before anything", [], "welcome", "disconnected"],
    ["recording before the link is up", [LIVE, { type: "link", at: 0, link: { ...initialLink(0), phase: "connecting" } }], "connecting", "pre-connect-buffering"],
    ["with a blocked microphone", [READY, { type: "mic", phase: "denied" }], "mic_denied", "listening"],
    ["with a loudspeaker that waits for a tap", [READY, LIVE, { type: "speaker", phase: "locked" }], "speaker_locked", "listening"],
    ["with speech that waits", [READY, LIVE, { type: "waiting", ms: 3_000 }], "catching_up", "listening"],
    ["muted", [READY, { type: "mic", phase: "muted" }], "muted", "listening"],
    ["with hold-to-talk", [READY, { type: "hold_to_talk", on: true }, { type: "mic", phase: "muted" }], "hold", "listening"],
    ["after the end", [{ type: "link", at: 0, link: { ...initialLink(0), phase: "ended", reason: "goodbye" } }], "ended", "disconnected"],
    ["after a failure", [{ type: "link", at: 0, link: { ...initialLink(0), phase: "failed", reason: "NOT_AUTHORIZED" } }], "failed", "failed"],
  ])("%s", (_, actions, kind, agent) => {
    const state = after(...actions);
    expect(situation(state).kind).toBe(kind);
    expect(agentState(state)).toBe(agent);
  });

  it("says why there is no assistant at all", () => {
    const state = reduce(initialState(0), { type: "config_failed", reason: "status 503" });
    expect(situation(state)).toEqual({ kind: "unavailable", reason: "status 503" });
  });
});

describe("a change of customer", () => {
  it("leaves nothing of what was said", () => {
    const state = after({ type: "typed", id: "1", text: "secret", at: 0 }, { type: "forgotten" });
    expect(JSON.stringify({ ...state, config: undefined })).not.toContain("secret");
  });
});
