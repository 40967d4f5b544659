/**
 * What was spoken and is not yet acknowledged, addressed by sample position.
 *
 * What lives here: a bounded ring of PCM16 samples [start, end).
 * What never will: when to send, when to give up (that is `uplink.ts`).
 */

/** A span of samples, `from` inclusive, `to` exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export class SampleRing {
  capacity: number;
  /** Position of the oldest sample held. */
  start = 0;
  /** Position after the newest sample held. */
  end = 0;
  #samples: Int16Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#samples = new Int16Array(capacity);
  }

  /** Hold more or fewer samples from now on, the newest; answers the span that had to go, if any. */
  resize(capacity: number): Span | undefined {
    const kept = new Int16Array(Math.min(capacity, this.end - this.start));
    const before = this.start;
    this.start = this.end - kept.length;
    this.copy(this.start, kept);
    this.capacity = capacity;
    this.#samples = new Int16Array(capacity);
    this.end = this.start;
    this.push(kept);
    return this.start > before ? { from: before, to: this.start } : undefined;
  }

  /** Append; answers the span that had to go to make room, if any. Oldest samples go first. */
  push(samples: Int16Array): Span | undefined {
    const newest = samples.length > this.capacity ? samples.subarray(samples.length - this.capacity) : samples;
    const before = this.start;
    const begin = this.end + (samples.length - newest.length);
    const at = begin % this.capacity;
    const head = Math.min(newest.length, this.capacity - at);
    this.#samples.set(newest.subarray(0, head), at);
    this.#samples.set(newest.subarray(head), 0);
    this.end = begin + newest.length;
    this.start = Math.max(this.start, this.end - this.capacity);
    return this.start > before ? { from: before, to: this.start } : undefined;
  }

  /** Forget what lies before `position`. Positions we never held move nothing. */
  release(position: number): void {
    this.start = Math.max(this.start, Math.min(position, this.end));
  }

  /** Copy samples from `position` on into `target`; the caller asks only for what is held. */
  copy(position: number, target: Int16Array): void {
    if (position < this.start || position + target.length > this.end) {
      throw new RangeError();
    }
    const at = position % this.capacity;
    const head = Math.min(target.length, this.capacity - at);
    target.set(this.#samples.subarray(at, at + head), 0);
    target.set(this.#samples.subarray(0, target.length - head), head);
  }
}
