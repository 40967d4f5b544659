/**
 * The way of speech to the gateway: positions, the ring, what goes next, what was lost.
 *
 * What lives here: the arithmetic between positions of the microphone (they never restart) and positions of a
 * session (they start at 0 with every session); the pace of catching up. Time is an argument.
 * What never will: sockets, clocks.
 *
 * Kept is what the gateway could still need: everything above `durable` where it writes a journal, above `received`
 * where it does not. What the ring could not keep is lost when a gateway says that it needs it, at once when it was
 * never sent, and at the latest with the next session. So sent and received + named as lost = captured.
 */

import { SAMPLE_RATE } from "./protocol";
import { SampleRing, type Span } from "./ring";
import { SpanSet } from "./spans";
import { uplinkMessage } from "./wire";

export const RING_SECONDS = 45;
const RING_SECONDS_MAX = 300;
/** Live audio leaves frame by frame; what has piled up leaves in larger messages, this many times real time. */
export const CATCH_UP_SPEED = 8;
const CATCH_UP_SAMPLES = SAMPLE_RATE / 10;
/** A replay begins with this much at once: a small part of what the socket may hold. */
const BURST_SAMPLES = SAMPLE_RATE;
const FRAME_SAMPLES = SAMPLE_RATE / 50;

export interface UplinkCounts {
  /** Samples that wait on this side, and how many can. */
  readonly waiting: number;
  readonly capacity: number;
}

export class Uplink {
  readonly #ring: SampleRing;
  readonly #lost = new SpanSet();
  #news: Span[] = [];
  /** Microphone position that is sample 0 of the session. */
  #base = 0;
  #open = false;
  #keepsDurable = false;
  /** Microphone positions: what comes next; before which the gateway has everything; has it for good. */
  #sent = 0;
  #received = 0;
  #safe = 0;
  /** Since when we catch up, from where, and what had been captured then. */
  #pace: { readonly at: number; readonly from: number; readonly captured: number } | undefined;

  constructor(seconds: number = RING_SECONDS) {
    this.#ring = new SampleRing(seconds * SAMPLE_RATE);
  }

  capture(samples: Int16Array): void {
    this.#dropped(this.#ring.push(samples));
  }

  /** How much to keep, as the gateway wishes, within reason; 0: it has no wish. */
  keep(seconds: number): void {
    const capacity = Math.round(Math.min(seconds, RING_SECONDS_MAX) * SAMPLE_RATE);
    if (capacity > 0 && capacity !== this.#ring.capacity) this.#dropped(this.#ring.resize(capacity));
  }

  /** A new session: what no session took is sent, once more if need be, from its sample 0. */
  begin(keepsDurable: boolean): void {
    // What the last session did not have for good, and the ring has not, nobody has.
    this.#lose(this.#safe, this.#ring.start);
    this.#keepsDurable = keepsDurable;
    this.#base = this.#safe = this.#received = this.#sent = this.#ring.start;
    this.#open = true;
    this.#pace = undefined;
  }

  /** The session goes on; it needs everything from `received` on. Session positions. */
  resume(received: number, durable: number): void {
    // More than was ever sent from here: another window has spoken, and what is still to be said stands behind it.
    this.#base = Math.min(this.#base, this.#sent - received);
    const needed = this.#base + received;
    this.#received = needed;
    this.#lose(needed, this.#ring.start);
    this.#sent = Math.max(needed, this.#ring.start);
    this.#open = true;
    this.#pace = undefined;
    this.#release(received, durable);
  }

  /** A session of before goes on, of which nothing is held here: a reloaded page. */
  adopt(received: number, keepsDurable: boolean): void {
    this.begin(keepsDurable);
    this.#base -= received;
  }

  /** The session's socket is gone: nothing leaves until `begin` or `resume`. */
  close(): void {
    this.#open = false;
  }

  /** What the gateway has is dealt with: the next session shall not hear it again. */
  settle(): void {
    this.#ring.release(this.#received);
    this.#safe = Math.max(this.#safe, this.#received);
  }

  /** What is kept is nobody's any more. */
  forget(): void {
    this.#sent = this.#received = this.#ring.end;
    this.settle();
  }

  /** The gateway has everything before these session positions: in memory, and written down. */
  acknowledged(received: number, durable: number): void {
    this.#received = Math.max(this.#received, Math.min(this.#base + received, this.#sent));
    this.#release(received, durable);
  }

  /** The gateway names a loss, in session positions. */
  told({ from, to }: Span): void {
    this.#lose(this.#base + from, this.#base + to);
  }

  /** The next message, or `undefined` when nothing waits or may leave yet. */
  next(now: number): ArrayBuffer | undefined {
    const waiting = this.#ring.end - this.#sent;
    if (!this.#open || waiting <= 0) return undefined;
    if (!this.behind) this.#pace = undefined;
    else this.#pace ??= { at: now, from: this.#sent, captured: this.#ring.end };
    const count = Math.min(waiting, this.behind ? CATCH_UP_SAMPLES : FRAME_SAMPLES);
    if (this.#sent + count > this.#limit(now)) return undefined;
    const message = uplinkMessage(this.#sent - this.#base, count);
    this.#ring.copy(this.#sent, message.samples);
    this.#sent += count;
    return message.bytes;
  }

  /** True while more waits than live capture explains. */
  get behind(): boolean {
    return this.#ring.end - this.#sent > CATCH_UP_SAMPLES;
  }

  /** What there is of the session's input, sent or not. */
  get end(): number {
    return this.#ring.end - this.#base;
  }

  /** Losses that nobody was told of yet, in microphone positions; each is given once. */
  takeLosses(): Span[] {
    return this.#news.splice(0);
  }

  get counts(): UplinkCounts {
    const { start, end, capacity } = this.#ring;
    return { waiting: end - (this.#open ? this.#sent : Math.max(start, this.#received)), capacity };
  }

  /** How far we may be: what had piled up at its pace, and what is spoken meanwhile on top. */
  #limit(now: number): number {
    if (this.#pace === undefined) return this.#ring.end;
    const { at, from, captured } = this.#pace;
    const replayed = BURST_SAMPLES + ((now - at) * CATCH_UP_SPEED * SAMPLE_RATE) / 1000;
    return from + replayed + this.#ring.end - captured;
  }

  #release(received: number, durable: number): void {
    this.#safe = Math.max(this.#safe, Math.min(this.#base + (this.#keepsDurable ? durable : received), this.#sent));
    this.#ring.release(this.#safe);
  }

  /** The ring let go of these. What a living session was sent is only forgotten, what no session was sent is lost. */
  #dropped(gone: Span | undefined): void {
    if (gone === undefined) return;
    this.#lose(Math.max(gone.from, this.#sent), gone.to);
    this.#sent = Math.max(this.#sent, this.#ring.start);
  }

  #lose(from: number, to: number): void {
    if (from < to) this.#news.push(...this.#lost.add({ from, to }));
  }
}

/** Milliseconds in whole tenths of a second: a figure that changes with every frame would render the page with every frame. */
export function tenths(samples: number): number {
  return Math.round((samples * 10) / SAMPLE_RATE) * 100;
}
