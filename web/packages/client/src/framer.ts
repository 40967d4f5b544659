/**
 * Device samples into 20 ms frames of PCM16 at 24 kHz.
 *
 * What lives here: rate conversion, clamping, muting, cutting into frames, the level meter.
 * What never will: Web Audio, message ports. Runs on the audio thread: frames come from a free-list that
 * the receiver refills, so a steady call allocates nothing.
 */

import { SAMPLE_RATE } from "./protocol";
import { Resampler } from "./resampler";

export const FRAME_SAMPLES = SAMPLE_RATE / 50;
const FREE_MAX = 64;

export class Framer {
  muted = false;
  readonly #resampler: Resampler | undefined;
  readonly #free: ArrayBuffer[] = [];
  readonly #emit: (frame: ArrayBuffer, samples: number) => void;
  #frame: Int16Array<ArrayBuffer>;
  #filled = 0;
  #peak = 0;

  constructor(rateHz: number, emit: (frame: ArrayBuffer, samples: number) => void) {
    this.#resampler = rateHz === SAMPLE_RATE ? undefined : new Resampler(rateHz, SAMPLE_RATE);
    this.#emit = emit;
    this.#frame = new Int16Array(FRAME_SAMPLES);
  }

  /** Device samples in -1..1, any block up to 1,024. */
  push(block: Float32Array): void {
    const samples = this.#resampler === undefined ? block : this.#resampler.push(block);
    for (let index = 0; index < samples.length; index += 1) {
      const sample = this.muted ? 0 : samples[index]!;
      const loud = Math.abs(sample);
      if (loud > this.#peak) this.#peak = loud;
      this.#frame[this.#filled] = toInt16(sample);
      this.#filled += 1;
      if (this.#filled === FRAME_SAMPLES) this.flush();
    }
  }

  /** Hand over what has been gathered, a whole frame or, at the end, a part of one. */
  flush(): void {
    if (this.#filled === 0) return;
    const { buffer } = this.#frame;
    this.#emit(buffer, this.#filled);
    this.#filled = 0;
    this.#frame = new Int16Array(this.#free.pop() ?? new ArrayBuffer(FRAME_SAMPLES * 2));
  }

  /** A frame's memory comes back from its receiver. */
  recycle(buffer: ArrayBuffer): void {
    if (this.#free.length < FREE_MAX && buffer.byteLength === FRAME_SAMPLES * 2) this.#free.push(buffer);
  }

  /** Loudest sample (0..1) since the last call. */
  takePeak(): number {
    const peak = Math.min(this.#peak, 1);
    this.#peak = 0;
    return peak;
  }
}

/** Full scale clamps; it never wraps around. */
export function toInt16(sample: number): number {
  const scaled = Math.round(sample * 32_768);
  return scaled > 32_767 ? 32_767 : scaled < -32_768 ? -32_768 : scaled;
}
