/**
 * Commands that a person gave, until the gateway has confirmed them: a broken line must not swallow a sentence, and
 * must not say it twice.
 *
 * What lives here: what is unconfirmed, in order. What never will: sockets, what a command does.
 */

import type { Command } from "./protocol";

export const COMMANDS_MAX = 32;

type Identified = Extract<Command, { type: "input_text" }> & { readonly eventId: string };

export class Outbox {
  readonly #prefix: string;
  #given = 0;
  #waiting: Identified[] = [];

  /** `prefix` sets this page's commands apart from those of others in the same session. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Keep a sentence; answers it as a command that the gateway can tell from its own repetition. */
  give(text: string): Identified {
    this.#given += 1;
    const command = { type: "input_text", text, eventId: `${this.#prefix}-${this.#given}` } as const;
    this.#waiting = [...this.#waiting, command].slice(-COMMANDS_MAX);
    return command;
  }

  /** The gateway answered this one, with yes or no. */
  confirmed(eventId: string | undefined): void {
    this.#waiting = this.#waiting.filter((command) => command.eventId !== eventId);
  }

  /** What has to be said (again), oldest first. */
  get waiting(): readonly Identified[] {
    return this.#waiting;
  }

  clear(): void {
    this.#waiting = [];
  }
}
