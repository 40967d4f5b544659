// @vitest-environment jsdom
import { createVoiceClient, initialState, type Action, type VoiceClient } from "@holdfast/client";
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FinancialSherpa } from "../src";

const CONFIG = {
  customer: { id: "C-1", name: "Anna Berg" },
  assistant: { name: "Sherpa" },
  greeting: "How can I help you today?",
  socketPath: "/s",
  csrfToken: "t",
  ticketRequired: false,
  demo: { customers: [{ id: "C-1", name: "Anna Berg" }] },
  upstream: { name: "local", kind: "local" },
};
const READY: Action = {
  type: "link",
  at: 0,
  link: { ...initialState(0).link, phase: "ready", sessions: 1 },
};

let client: VoiceClient;

function show(...actions: Action[]): void {
  client = createVoiceClient();
  client.store.dispatch({ type: "configured", config: CONFIG });
  render(<FinancialSherpa client={client} />);
  happen(...actions);
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

  it("alerts only for what needs the person, and for loss", () => {
    show(READY, { type: "mic", phase: "live" });
    expect(screen.getByRole("alert").textContent).toBe("");
    happen({ type: "mic", phase: "denied" });
    expect(screen.getByRole("alert").textContent).toContain("Microphone is blocked");
    happen({ type: "mic", phase: "live" }, { type: "overflowed", ms: 7_000, at: 1 });
    expect(screen.getByRole("alert").textContent).toContain("0:07");
  });

  it("names the microphone button after what it does now", () => {
    show();
    expect(screen.getByRole("button", { name: "Start talking" })).toBeTruthy();
    happen(READY, { type: "mic", phase: "live" });
    expect(screen.getByRole("button", { name: "Switch microphone off" })).toBeTruthy();
    happen({ type: "mic", phase: "off" });
    expect(screen.getByRole("button", { name: "Switch microphone on" })).toBeTruthy();
    happen({ type: "link", at: 0, link: { ...READY.link, phase: "failed", reason: "RECONNECT_FAILED" } } as Action);
    expect(screen.getByRole("button", { name: "Try again" })).toBeTruthy();
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

  it("dims what was not heard and says so", () => {
    show(
      READY,
      { type: "message", at: 0, message: { type: "assistant_transcript", responseId: "r", itemId: "a", text: "One two three four", final: true } },
      { type: "playing", itemId: "a", heardMs: 400, ofMs: 1_000, at: 0 },
      { type: "message", at: 0, message: { type: "interrupted", itemId: "a", playedMs: 400 } },
    );
    const conversation = within(screen.getByLabelText("Conversation"));
    expect(conversation.getByText(/three four/).textContent).toBe(" (not heard:  three four)");
  });

  it("repeats the gateway's own sentences, and lets them go", () => {
    const fault = { code: "provider.server_error", party: "provider", message: "The provider failed.", remedy: "Wait." } as const;
    show(READY, { type: "message", at: 0, message: { type: "error", code: "X", message: "", fault } });
    expect(screen.getByText("The provider failed.")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.queryByText("The provider failed.")).toBeNull();
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
