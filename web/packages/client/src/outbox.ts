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
  /** What has to be said (again), oldest first. */
  waiting: readonly Identified[] = [];

  /**
   * Keep a sentence; answers it as a command that the gateway can tell by its id from its own repetition. One that finds
   * no room is not kept: of those before it nobody knows whether they arrived, of this one everybody does.
   */
  give(eventId: string, text: string): Identified | undefined {
    if (this.waiting.length === COMMANDS_MAX) return undefined;
    const command = { type: "input_text", text, eventId } as const;
    this.waiting = [...this.waiting, command];
    return command;
  }

  /** The gateway answered this one, with yes or no. */
  confirmed(eventId: string | undefined): void {
    this.waiting = this.waiting.filter((command) => command.eventId !== eventId);
  }

  /** Answers the ids of what nobody was told. */
  clear(): readonly string[] {
    const ids = this.waiting.map(({ eventId }) => eventId);
    this.waiting = [];
    return ids;
  }
}
