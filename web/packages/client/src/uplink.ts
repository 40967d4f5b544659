/**
 * The way of speech to the gateway: positions, the ring, what goes next.
 *
 * What lives here: the arithmetic between positions of the microphone (they never restart) and positions of
 * a session (they start at 0 with every session), what is sent, received, lost.
 * What never will: sockets, clocks.
 *
 * Release is at `received`. The place where it moves to `durable`, so that a gateway's death costs nothing
 * that the page still holds, is `received()` below.
 */

import { SAMPLE_RATE } from "./protocol";
import { SampleRing, type Span } from "./ring";
import { uplinkMessage } from "./wire";

export const RING_SECONDS = 45;
/** Live audio leaves frame by frame; what has piled up leaves in larger messages. */
const CATCH_UP_SAMPLES = SAMPLE_RATE / 10;
const FRAME_SAMPLES = SAMPLE_RATE / 50;

export interface UplinkCounts {
  readonly captured: number;
  readonly sent: number;
  readonly received: number;
  /** Samples that wait: captured and not yet taken by a gateway. */
  readonly waiting: number;
}

export class Uplink {
  readonly #ring: SampleRing;
  /** Microphone position that is sample 0 of the running session; `undefined` without one. */
  #base: number | undefined;
  #sent = 0;

  constructor(seconds: number = RING_SECONDS) {
    this.#ring = new SampleRing(seconds * SAMPLE_RATE);
  }

  /** Keep captured samples; answers what the ring could not keep although no gateway had it. */
  capture(samples: Int16Array): Span | undefined {
    const gone = this.#ring.push(samples);
    // What a living session was sent is only forgotten; what it was not, or a dead one did not confirm, is lost.
    const from = Math.max(gone?.from ?? 0, this.#base === undefined ? 0 : this.#sent);
    this.#sent = Math.max(this.#sent, this.#ring.start);
    return gone === undefined || from >= gone.to ? undefined : { from, to: gone.to };
  }

  /** A session accepts speech from now on; what nobody acknowledged is sent once more, from its sample 0. */
  open(): void {
    this.#base = this.#ring.start;
    this.#sent = this.#ring.start;
  }

  /** The session or its socket is gone: nothing leaves until the next `open`. */
  close(): void {
    this.#base = undefined;
  }

  /** The conversation was ended on purpose: what nobody took is nobody's any more. */
  forget(): void {
    this.#ring.release(this.#ring.end);
    this.#sent = this.#ring.end;
  }

  /** The gateway has everything before this session position. */
  received(position: number): void {
    if (this.#base !== undefined) this.#ring.release(Math.min(this.#base + position, this.#sent));
  }

  /** The next message, or `undefined` when nothing waits. */
  next(): ArrayBuffer | undefined {
    const waiting = this.#ring.end - this.#sent;
    if (this.#base === undefined || waiting <= 0) return undefined;
    const count = waiting > CATCH_UP_SAMPLES ? CATCH_UP_SAMPLES : Math.min(waiting, FRAME_SAMPLES);
    const message = uplinkMessage(this.#sent - this.#base, count);
    this.#ring.copy(this.#sent, message.samples);
    this.#sent += count;
    return message.bytes;
  }

  /** True while more waits than live capture explains. */
  get behind(): boolean {
    return this.#ring.end - this.#sent > CATCH_UP_SAMPLES;
  }

  get counts(): UplinkCounts {
    return {
      captured: this.#ring.end,
      sent: this.#sent,
      received: this.#ring.start,
      waiting: this.#ring.end - (this.#base === undefined ? this.#ring.start : this.#sent),
    };
  }
}
