/**
 * How long the user waited for an answer, for the operator to know.
 *
 * What lives here: when they were last loud, when the first loud sample of the answer was heard, both in samples
 * of the session's input: the one clock that the gateway has, too. Time is an argument (ms).
 * What never will: sockets, worklets.
 */

import { SAMPLE_RATE, type Command } from "./protocol";

const MS = SAMPLE_RATE / 1000;
/** Of full scale 32,768: -40 dB. A quiet room lies below, a voice above. */
const LOUD = 328;

export class Silence {
  /** What of the input there is, and since when. */
  #end = 0;
  #at = 0;
  #loudUntil = 0;
  /** Where the turn ended that waits for its answer. */
  #spokeUntil: number | undefined;
  /** The answer's first item, when its first audio came, how much of that was quiet, whether the rest is loud. */
  #itemId: string | undefined;
  #receivedAt = 0;
  #quiet = 0;
  #sounds = false;

  /** `end`: what of the session's input there is with these samples. */
  captured(samples: Int16Array, end: number, now: number): void {
    const last = samples.findLastIndex(isLoud);
    if (last >= 0) this.#loudUntil = end - samples.length + last + 1;
    this.#end = end;
    this.#at = now;
  }

  /** The gateway says that the user began, or has stopped. */
  turn(ended: boolean): void {
    this.#spokeUntil = ended ? this.#loudUntil : undefined;
    this.#itemId = undefined;
  }

  /** An item begins to come. */
  began(itemId: string, now: number): void {
    if (this.#itemId !== undefined) return;
    this.#itemId = itemId;
    this.#receivedAt = this.#position(now);
    this.#quiet = 0;
    this.#sounds = false;
  }

  /** Its audio. */
  came(pcm: Int16Array): void {
    if (this.#sounds) return;
    const first = pcm.findIndex(isLoud);
    this.#sounds = first >= 0;
    this.#quiet += this.#sounds ? first : pcm.length;
  }

  /** So many samples of an item left the queue; the last `delayMs` are on their way to the ear. */
  played(itemId: string, played: number, now: number, delayMs: number): Command | undefined {
    const loud = played - this.#quiet;
    const spokeUntil = this.#spokeUntil;
    if (itemId !== this.#itemId || spokeUntil === undefined || !this.#sounds || loud <= 0) return undefined;
    this.#spokeUntil = undefined;
    return { type: "heard", itemId, spokeUntil, receivedAt: this.#receivedAt, heardAt: this.#position(now + delayMs) - loud };
  }

  #position(now: number): number {
    return Math.round(this.#end + (now - this.#at) * MS);
  }
}

export function isLoud(sample: number): boolean {
  return Math.abs(sample) > LOUD;
}
