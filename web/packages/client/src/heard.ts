/**
 * How much of each item the person has heard, for the gateway to know.
 *
 * What lives here: the newest position of the last few items. What never will: the loudspeaker.
 */

import { SAMPLE_RATE, type Command } from "./protocol";

/** Items that a break can leave in doubt. */
export const ITEMS_KEPT = 8;

export class Heard {
  readonly #items = new Map<string, number>();

  /** `played` samples left the queue, of which the last `delayMs` are still on their way to the ear. */
  report(itemId: string, played: number, delayMs: number): number {
    const ms = Math.max(this.#items.get(itemId) ?? 0, Math.round((played * 1000) / SAMPLE_RATE - delayMs));
    this.#items.delete(itemId);
    this.#items.set(itemId, ms);
    const [oldest] = this.#items.keys();
    if (this.#items.size > ITEMS_KEPT) this.#items.delete(oldest!);
    return ms;
  }

  /** What has to be said once more after a break: nobody knows which reports arrived. */
  *again(): Iterable<Command> {
    for (const [itemId, ms] of this.#items) yield { type: "played", itemId, ms };
  }

  clear(): void {
    this.#items.clear();
  }
}
