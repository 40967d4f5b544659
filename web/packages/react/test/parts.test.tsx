// @vitest-environment jsdom
import { createVoiceClient, initialState, steadyNow, type Action, type VoiceClient } from "@holdfast/client";
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ENGLISH, FinancialSherpa, transcriptText } from "../src";

const CONFIG = {
  customer: { id: "C-1", name: "Anna Berg" },
  greeting: "How can I help you today?",
  socketPath: "/s",
  csrfToken: "t",
  ticketRequired: false,
  demo: { customers: [{ id: "C-1", name: "Anna Berg" }] },
  upstream: { name: "local", kind: "local" },
};
const READY = {
  type: "link",
  at: 0,
  link: { ...initialState(0).link, phase: "ready", sessions: 1 },
} as const satisfies Action;

const LOST = { ...READY, link: { ...READY.link, phase: "reconnecting", lostAt: 1, resumable: true } } as const;

const PART = { type: "assistant_transcript", responseId: "r", itemId: "a", text: "On Monday.", final: true } as const;

/** One line of the conversation. */
function said(at: number): Action {
  return { type: "message", at, message: { ...PART, responseId: `r${at}`, itemId: `a${at}`, text: `Line ${at}.` } };
}

let client: VoiceClient;

function show(...actions: Action[]): void {
  client = createVoiceClient();
  client.store.dispatch({ type: "configured", config: CONFIG });
  render(<FinancialSherpa client={client} />);
  happen(...actions);
}

/** The page after an answer that was cut when so much of its second was heard. */
function showCut(text: string, heardMs: number): void {
  show(
    READY,
    { type: "message", at: 0, message: { ...PART, itemId: "a", text } },
    { type: "playing", itemId: "a", heardMs, ofMs: 1_000, at: 0 },
    { type: "message", at: 0, message: { type: "interrupted", itemId: "a", playedMs: heardMs } },
  );
}

function happen(...actions: Action[]): void {
  act(() => {
    for (const action of actions) client.store.dispatch(action);
  });
}

function status(): string {
  return screen.getAllByRole("status")[0]?.textContent ?? "";
}

beforeEach(() => {
  // jsdom draws nothing; the parts of a browser that a drawing needs are stood in for.
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
});

afterEach(() => {
  cleanup();
  client.dispose();
});

describe("the Financial Sherpa", () => {
  it("says that it is an AI and what it cannot do, before anybody talks", () => {
    show();
    expect(screen.getByText("You are talking to an AI.")).toBeTruthy();
    expect(screen.getByText(/cannot move money/)).toBeTruthy();
    expect(screen.getByText("Local assistant: limited")).toBeTruthy();
    expect(status()).toBe("Ready when you are");
  });

  it("says a turn to a screen reader when it is whole, not word by word", () => {
    show(READY, { type: "mic", phase: "live" });
    const log = screen.getByRole("log");
    const part = { type: "assistant_transcript", responseId: "r", itemId: "a", text: "On Mon", final: false } as const;
    happen({ type: "message", message: part, at: 0 });
    expect(log.textContent).toBe("");
    expect(screen.getByText("On Mon")).toBeTruthy();
    happen({ type: "message", message: { ...part, text: "On Monday.", final: true }, at: 0 });
    expect(log.textContent).toBe("Sherpa: On Monday.");
  });

  it("keeps a page of bounded size, however long the conversation", () => {
    show(READY, { type: "mic", phase: "live" });
    const lines = (): number => screen.getByLabelText("Conversation").querySelectorAll(".hf-turn").length;
    const nodes = (): number => document.querySelectorAll("*").length;
    const talkOn = (from: number, to: number): void => {
      for (let at = from; at < to; at += 25) happen(...Array.from({ length: 25 }, (_, index) => said(at + index)));
    };
    talkOn(0, 200);
    expect(lines()).toBe(200);
    const full = nodes();
    talkOn(200, 450);
    expect(lines()).toBeLessThanOrEqual(200);
    expect(nodes()).toBeLessThanOrEqual(full + 5);
    const before = lines();
    fireEvent.click(screen.getByRole("button", { name: "Earlier lines" }));
    expect(lines()).toBe(before + 100);
    // A conversation that is forgotten leaves nothing of that behind.
    happen({ type: "forgotten" }, said(0));
    expect(lines()).toBe(1);
    expect(screen.queryByRole("button", { name: "Earlier lines" })).toBeNull();
  });

  it("renders the line that changes, not the others", () => {
    let rendered = 0;
    const labels = Object.defineProperty({ ...ENGLISH.labels }, "assistant", { get: () => `Sherpa ${(rendered += 1)}` });
    client = createVoiceClient();
    render(<FinancialSherpa client={client} words={{ ...ENGLISH, labels }} />);
    happen(READY, ...Array.from({ length: 80 }, (_, at) => said(at)));
    rendered = 0;
    happen({ type: "message", at: 0, message: { ...PART, itemId: "last", text: "On", final: false } });
    // The line, and the four whole ones that a screen reader was told.
    expect(rendered).toBeLessThanOrEqual(5);
  });

  it("alerts only for what needs the person, and for loss", () => {
    show(READY, { type: "mic", phase: "live" });
    expect(screen.getByRole("alert").textContent).toBe("");
    happen({ type: "mic", phase: "denied" });
    expect(screen.getByRole("alert").textContent).toContain("Microphone is blocked");
  });

  it("alerts of lost speech when it begins and when it is over, not at each frame", () => {
    vi.useFakeTimers();
    show(READY, { type: "mic", phase: "live" });
    const alert = screen.getByRole("alert");
    const told = new Set<string>();
    for (let ms = 0; ms < 7_000; ms += 1_000) {
      happen({ type: "overflowed", ms: 1_000, at: 1 });
      act(() => void vi.advanceTimersByTime(1_000));
      told.add(alert.textContent ?? "");
    }
    act(() => void vi.advanceTimersByTime(2_000));
    told.add(alert.textContent ?? "");
    vi.useRealTimers();
    expect([...told]).toEqual([
      "Some of what you said could not be kept.",
      "0:07 of speech could not be kept. Please say it again.",
    ]);
  });

  it("shows how much is recorded while the line is away, without telling every second", () => {
    show(READY, { type: "mic", phase: "live" });
    happen(LOST, { type: "waiting", ms: 12_300, ringMs: 45_000 });
    expect(status()).toBe("Connection lost — still recording");
    const bar = screen.getByRole("progressbar", { name: "Recorded meanwhile" });
    expect(bar.getAttribute("aria-valuetext")).toBe("0:12 of 0:45");
    happen({ type: "waiting", ms: 45_000, ringMs: 45_000 });
    expect(status()).toBe("Connection lost — recording full");
  });

  it("leaves the transcript and what was recorded with the person when it cannot reconnect", () => {
    const failed = { ...READY.link, phase: "failed", reason: "RECONNECT_FAILED" } as const;
    const typed: Action = { type: "typed", id: "1", text: "When?", at: 0 };
    show(READY, typed, { type: "waiting", ms: 8_000, ringMs: 45_000 }, { type: "link", at: 0, link: failed });
    expect(screen.getByRole("alert").textContent).toContain("We couldn't reconnect");
    expect(screen.getByRole("button", { name: "Reconnect" })).toBeTruthy();
    expect(screen.getByText(/0:08 of what you said/)).toBeTruthy();
    const discard = vi.spyOn(client, "discard").mockImplementation(() => undefined);
    fireEvent.click(screen.getByRole("button", { name: "Discard it" }));
    expect(discard).toHaveBeenCalledOnce();
    expect(screen.getAllByRole<HTMLButtonElement>("button", { name: "Save transcript" })[0]?.disabled).toBe(false);
  });

  it("offers to fetch a conversation back that goes on in another window", () => {
    show(READY, { type: "link", at: 0, link: { ...READY.link, phase: "failed", reason: "REPLACED" } });
    expect(status()).toBe("Continued in another window");
    expect(screen.getByRole("button", { name: "Continue here" })).toBeTruthy();
  });

  it.each([
    ["denied", "user_device.microphone_denied", "Microphone is blocked for this site"],
    ["missing", "user_device.microphone_missing", "No microphone found"],
    ["busy", "user_device.microphone_busy", "The microphone is in use"],
    ["lost", "user_device.microphone_lost", "Microphone was unplugged"],
  ] as const)("tells a microphone that is %s by the code and the words of the gateway's table", (phase, code, words) => {
    show(READY, { type: "mic", phase });
    expect(status()).toBe(words);
    expect(screen.getByText(code).className).toBe("hf-code");
  });

  it("tells a refusal that came without a fault by the code of the gateway's table", () => {
    show(READY, { type: "link", at: 0, link: { ...READY.link, phase: "failed", reason: "NOT_AUTHORIZED" } });
    expect(status()).toBe("Please sign in again");
    expect(screen.getByText("application.not_authorized")).toBeTruthy();
  });

  it("says so in the table's words when there is no configuration to be had", () => {
    show({ type: "reset", config: undefined }, { type: "config_failed", reason: "HTTP 503" });
    expect(status()).toBe("The assistant is not available");
    expect(screen.getByText("user_network.gateway_unreachable · HTTP 503")).toBeTruthy();
  });

  it("counts down to the next try beside the live region", () => {
    show(READY, { type: "mic", phase: "live" });
    happen({ ...LOST, link: { ...LOST.link, retryAt: steadyNow() + 8_000 } });
    expect(status()).toBe("Busy, resuming shortly");
    expect(screen.getByText(/Next try in 0:08/)).toBeTruthy();
  });

  it("names who answers from now on, and what the assistant still remembers", () => {
    const local = { name: "local", kind: "local" };
    show(READY);
    happen(
      { type: "message", at: 1, message: { type: "session_created", sessionId: "s", upstream: { name: "openai", kind: "openai" } } },
      { type: "message", at: 2, message: { type: "status", state: "live", upstream: local } },
    );
    const conversation = within(screen.getByLabelText("Conversation"));
    expect(conversation.getByText("The limited local assistant answers now.")).toBeTruthy();
    expect(screen.getByText("Local assistant: limited")).toBeTruthy();
    expect(screen.getByRole("log").textContent).toContain("limited local assistant");
  });

  it("offers a new session before the time is over", () => {
    show(READY);
    const limits = { sessionSeconds: 600 };
    const created = { type: "session_created", sessionId: "s", upstream: CONFIG.upstream, limits } as const;
    happen({ type: "message", at: 0, message: created }, { type: "tick", at: 510_000 });
    expect(screen.getByText("This conversation reaches its time limit soon").parentElement?.textContent).toContain("1:30 left");
    const renew = vi.spyOn(client, "renew").mockImplementation(() => undefined);
    fireEvent.click(screen.getByRole("button", { name: "New session now" }));
    expect(renew).toHaveBeenCalledOnce();
  });

  it("keeps the conversation as text, with what nobody said", () => {
    show({ type: "typed", id: "1", text: "When?", at: 0 }, { type: "overflowed", ms: 7_200, at: 1_000 });
    expect(transcriptText(ENGLISH, client.state.entries)).toBe(
      "[1970-01-01 00:00:00] You: When?\n" +
        "[1970-01-01 00:00:01] --- 0:07 of speech could not be kept. Please say it again. ---\n",
    );
  });

  it("names the microphone button after what it does now", () => {
    show();
    expect(screen.getByRole("button", { name: "Start talking" })).toBeTruthy();
    happen(READY, { type: "mic", phase: "live" });
    expect(screen.getByRole("button", { name: "Switch microphone off" })).toBeTruthy();
    happen({ type: "mic", phase: "off" });
    expect(screen.getByRole("button", { name: "Switch microphone on" })).toBeTruthy();
    happen({ type: "link", at: 0, link: { ...READY.link, phase: "failed", reason: "RECONNECT_FAILED" } } as Action);
    expect(screen.getByRole("button", { name: "Reconnect" })).toBeTruthy();
  });

  it("talks while the button is held, by key as by pointer", () => {
    show(READY, { type: "hold_to_talk", on: true }, { type: "mic", phase: "muted" });
    const hold = vi.spyOn(client, "hold");
    const button = screen.getByRole("button", { name: "Hold to talk" });
    fireEvent.keyDown(button, { key: " " });
    fireEvent.keyDown(button, { key: " ", repeat: true });
    fireEvent.keyUp(button, { key: " " });
    expect(hold.mock.calls).toEqual([[true], [false]]);
  });

  it("lets another microphone be chosen where the one of before is lost, and opens none that was switched off", () => {
    const devices = ["headset", "built-in"].map((id) => ({ id, label: id }));
    show(READY, { type: "devices", devices }, { type: "mic", phase: "lost", deviceId: "headset" });
    const open = vi.spyOn(client, "openMic").mockResolvedValue();
    const choose = (): void => void fireEvent.change(screen.getByLabelText("Microphone"), { target: { value: "built-in" } });
    choose();
    expect(open.mock.calls).toEqual([["built-in"]]);
    happen({ type: "mic", phase: "off" });
    choose();
    expect(open).toHaveBeenCalledOnce();
  });

  it("stops speaking at Escape", () => {
    show(READY, { type: "playing", itemId: "a", heardMs: 0, ofMs: 10, at: 0 });
    const silence = vi.spyOn(client, "silence").mockImplementation(() => undefined);
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect(silence).toHaveBeenCalledOnce();
  });

  it("opens the form for what voice may not do, filled in, and says that the demo changes nothing", () => {
    show(READY);
    const message = { type: "client_action", action: "open_form", target: "change_address", arguments: { city: "Kiel" } } as const;
    happen({ type: "message", message, at: 0 });
    const dialog = within(screen.getByRole("dialog", { name: "Change your address" }));
    expect(document.activeElement?.textContent).toBe("Change your address");
    expect(dialog.getByLabelText<HTMLInputElement>("Town or city").value).toBe("Kiel");
    fireEvent.submit(dialog.getByRole("button", { name: "Save address" }));
    expect(dialog.getByRole("status").textContent).toContain("Nothing was changed");
    fireEvent.click(dialog.getByRole("button", { name: "Close" }));
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("gives the focus back where it was when a form is closed, and takes it from nobody", () => {
    const message = { type: "client_action", action: "open_form", target: "change_address" } as const;
    show(READY);
    const input = screen.getByLabelText("Type instead of speaking");
    input.focus();
    happen({ type: "message", message, at: 0 });
    fireEvent.keyDown(document.activeElement!, { key: "Escape" });
    expect(document.activeElement).toBe(input);
    happen({ type: "message", message, at: 0 });
    const mic = screen.getByRole("button", { name: "Switch microphone on" });
    mic.focus();
    happen({ type: "form_closed" });
    expect(document.activeElement).toBe(mic);
  });

  it("leaves the focus on the button that begins again when the one that ended it goes", () => {
    show(READY);
    vi.spyOn(client, "end").mockImplementation(() => undefined);
    const end = screen.getByRole("button", { name: /^End/ });
    end.focus();
    fireEvent.click(end);
    happen({ type: "link", at: 0, link: { ...READY.link, phase: "ended", reason: "client" } });
    expect(document.activeElement).toBe(screen.getByRole("button", { name: "Start again" }));
  });

  it("names what the button does while muted, and calls it not pressed as well", () => {
    show(READY, { type: "mic", phase: "muted" });
    expect(screen.getByRole("button", { name: "Unmute" }).getAttribute("aria-pressed")).toBeNull();
  });

  it("tells a screen reader of a notice", () => {
    show(READY);
    const live = document.querySelector(".hf-notices[aria-live=polite]");
    happen({ type: "message", at: 0, message: { type: "error", code: "X", message: "Too many messages." } });
    expect(live?.textContent).toContain("Too many messages.");
  });

  it("keeps a microphone that was chosen while it is off for the next time", () => {
    const devices = ["headset", "built-in"].map((id) => ({ id, label: id }));
    show({ type: "devices", devices }, { type: "mic", phase: "off", deviceId: "headset" });
    const picker = screen.getByLabelText<HTMLSelectElement>("Microphone");
    fireEvent.change(picker, { target: { value: "built-in" } });
    expect([picker.value, client.state.mic.phase]).toEqual(["built-in", "off"]);
  });

  it.each([
    ["RECONNECT_FAILED", "We couldn't reconnect"],
    ["budget_spent", "The conversation can't go on"],
    ["closed 4444", "The conversation can't go on"],
  ])("says of a talk that failed of %s: %s", (reason, headline) => {
    show(READY, { type: "link", at: 0, link: { ...READY.link, phase: "failed", reason } });
    expect(status()).toBe(headline);
  });

  it("dims what was not heard and says so", () => {
    showCut("One two three four", 400);
    const conversation = within(screen.getByLabelText("Conversation"));
    expect(conversation.getByText(/three four/).textContent).toBe(" (not heard:  three four)");
  });

  it("says of an answer that was cut in its last word that it was, and of nothing that it was not heard", () => {
    showCut("One two", 950);
    expect(screen.getByLabelText("Conversation").textContent).toContain("One two interrupted");
    expect(screen.getByRole("log").textContent).toBe("Sherpa: One two (interrupted)");
  });

  it("says which typed sentence was not answered, to eyes and ears", () => {
    show(READY, { type: "typed", id: "1", text: "When?", at: 0 }, { type: "unanswered", ids: ["1"] });
    expect(screen.getByLabelText("Conversation").textContent).toContain("When? not answered");
    expect(screen.getByRole("log").textContent).toBe("You: When? (not answered)");
  });

  it("repeats the gateway's own sentences, and lets them go", () => {
    const fault = { code: "provider.server_error", party: "provider", message: "The provider failed.", remedy: "Wait." } as const;
    show(READY, { type: "message", at: 0, message: { type: "error", code: "X", message: "", fault } });
    expect(screen.getByText("The provider failed.")).toBeTruthy();
    expect(screen.getByText("provider.server_error")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.queryByText("The provider failed.")).toBeNull();
  });

  it("tells what an operator is to do in the demo, and to no customer of a portal", () => {
    const fault = { code: "provider.server_error", party: "provider", message: "A problem.", remedy: "Quote the id." } as const;
    show(READY, {
      type: "message",
      at: 1,
      message: { type: "error", code: "UPSTREAM_ERROR", message: "A problem.", retryable: true, fault },
    });
    expect(screen.queryByText("Quote the id.")).not.toBeNull();
    happen({ type: "configured", config: { ...CONFIG, demo: null } });
    expect(screen.queryByText("Quote the id.")).toBeNull();
    expect(screen.queryByText("A problem.")).not.toBeNull();
  });

  it("tells once of an answer that failed", () => {
    const fault = { code: "provider.response_failed", party: "provider", message: "It failed.", remedy: "Wait." } as const;
    show(
      READY,
      { type: "message", at: 0, message: { type: "response_done", responseId: "r", status: "failed", fault } },
      { type: "message", at: 0, message: { type: "error", code: "RESPONSE_FAILED", message: "It failed.", fault } },
    );
    expect(screen.getAllByText("It failed.")).toHaveLength(1);
    expect(screen.getByText("provider.response_failed")).toBeTruthy();
  });

  it("has nothing for axe to find, talking or not", async () => {
    show();
    // Colours need a renderer: the browser tests look at them.
    const options = { rules: { "color-contrast": { enabled: false } } };
    expect((await axe.run(document.body, options)).violations.map(({ id }) => id)).toEqual([]);
    happen(READY, { type: "mic", phase: "live" });
    expect((await axe.run(document.body, options)).violations.map(({ id }) => id)).toEqual([]);
  });
});
