/** A link with its own clock, for the tests of its machine. */

import { expect } from "vitest";
import { stepLink } from "../src/connection";
import { initialLink, type LinkEffect, type LinkEvent, type LinkPhase, type LinkState } from "../src/link";
import type { GatewayMessage } from "../src/protocol";

const UPSTREAM = { name: "local", kind: "local" };
export const CREATED: GatewayMessage = {
  type: "session_created",
  sessionId: "s",
  resumeToken: "t",
  upstream: UPSTREAM,
  limits: { resumeWindowSeconds: 30 },
};
export const READY: GatewayMessage = { type: "session_ready", upstream: UPSTREAM };
export const heardAudio: GatewayMessage = { type: "audio_received", received: 480 };

export function resumed(recovered = true): GatewayMessage {
  return { type: "session_resumed", recovered, epoch: "e", offset: 0, received: 0, resumeToken: "t2" };
}

/** Every way from one phase to another that exists. Anything else is a fault of the machine. */
export const WAYS: { readonly [P in LinkPhase]: readonly LinkPhase[] } = {
  idle: ["probing"],
  probing: ["connecting", "reconnecting", "ended", "failed"],
  connecting: ["authenticating", "reconnecting", "ended", "failed", "idle"],
  authenticating: ["preparing", "replaying", "reconnecting", "ended", "failed", "idle"],
  preparing: ["ready", "replaying", "reconnecting", "probing", "ended", "failed"],
  ready: ["stalled", "reconnecting", "probing", "ended", "failed"],
  stalled: ["ready", "reconnecting", "probing", "ended", "failed"],
  replaying: ["ready", "stalled", "reconnecting", "probing", "ended", "failed"],
  reconnecting: ["probing", "ended", "failed"],
  failed: ["probing", "ended"],
  ended: ["probing"],
};

/** A link with its own clock, and what it asked for. */
export class Bench {
  now = 1_000;
  state: LinkState = initialLink(this.now);
  asked: LinkEffect[] = [];
  readonly #chance: () => number;

  constructor(chance: () => number = () => 0.5) {
    this.#chance = chance;
  }

  on(event: LinkEvent): this {
    const before = this.state.phase;
    const step = stepLink(this.state, event, this.now, this.#chance());
    this.state = step.state;
    this.asked.push(...step.effects);
    if (before !== this.state.phase) expect(WAYS[before]).toContain(this.state.phase);
    return this;
  }

  hear(...messages: GatewayMessage[]): this {
    for (const message of messages) this.on({ type: "message", message });
    return this;
  }

  wait(ms: number): this {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + 50);
      this.on({ type: "tick" });
    }
    return this;
  }

  taken(): string[] {
    return this.asked.splice(0).map(({ type }) => type);
  }

  open(): this {
    return this.on({ type: "admitted", ticket: "t" }).on({ type: "opened" });
  }

  ready(): this {
    const bench = this.on({ type: "start", resume: false }).open().hear(CREATED, READY);
    bench.asked = [];
    return bench;
  }

  lose(code = 1006): this {
    return this.on({ type: "closed", code, reason: "" });
  }

  /** The gateway answers the probe and the socket opens. */
  back(): this {
    return this.wait(300).on({ type: "probed" }).open();
  }
}

export function error(code: string, more: object = {}): GatewayMessage {
  return { type: "error", code, message: code, ...more } as GatewayMessage;
}
