/**
 * A streaming sample-rate converter for one channel: polyphase FIR, Kaiser window.
 *
 * What lives here: filter design and the convolution. Written for the audio thread: after construction
 * nothing is allocated. What never will: Web Audio.
 *
 * The stop band begins at half of the lower rate, so that nothing folds back into speech; about 80 dB.
 */

const ATTENUATION_DB = 80;
/** Width of the transition below half of the lower rate, as a part of that half. */
const TRANSITION = 0.1;
/** Largest block `push` takes; a render quantum has 128 samples. */
const BLOCK_MAX = 1024;

export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #taps: number;
  /** `#up` phases of `#taps` coefficients, each already in the order of the history. */
  readonly #phases: Float32Array;
  readonly #history: Float32Array;
  #filled: number;
  /** Position of the next output on the upsampled grid, relative to the first sample of `#history`. */
  #cursor: number;
  /** Room for the result of one `push`; valid until the next. */
  readonly #output: Float32Array;

  constructor(fromHz: number, toHz: number) {
    const divisor = greatestCommonDivisor(fromHz, toHz);
    this.#up = toHz / divisor;
    this.#down = fromHz / divisor;
    const half = Math.min(fromHz, toHz) / 2;
    const width = (2 * Math.PI * half * TRANSITION) / fromHz;
    this.#taps = 2 * Math.ceil((ATTENUATION_DB - 8) / (2.285 * width) / 2);
    this.#phases = design(this.#up, this.#taps, (half * (1 - TRANSITION / 2)) / fromHz);
    this.#history = new Float32Array(this.#taps + BLOCK_MAX);
    // Half a filter of silence before the first sample: output 0 is then centred on input 0.
    this.#filled = this.#taps / 2 - 1;
    this.#cursor = 0;
    this.#output = new Float32Array(Math.ceil((BLOCK_MAX * this.#up) / this.#down) + 2);
  }

  /** Feed a block of at most 1,024 samples; answers the outputs it completes (a view, valid until the next call). */
  push(input: Float32Array): Float32Array {
    const history = this.#history;
    history.set(input, this.#filled);
    this.#filled += input.length;
    let produced = 0;
    for (;;) {
      const first = Math.floor(this.#cursor / this.#up);
      if (first + this.#taps > this.#filled) break;
      this.#output[produced] = this.#convolve(first, this.#cursor % this.#up);
      produced += 1;
      this.#cursor += this.#down;
    }
    const consumed = Math.min(Math.floor(this.#cursor / this.#up), this.#filled);
    history.copyWithin(0, consumed, this.#filled);
    this.#filled -= consumed;
    this.#cursor -= consumed * this.#up;
    return this.#output.subarray(0, produced);
  }

  #convolve(first: number, phase: number): number {
    const offset = phase * this.#taps;
    let sum = 0;
    for (let tap = 0; tap < this.#taps; tap += 1) {
      // Both indices are inside by construction; `!` costs nothing at run time.
      sum += this.#history[first + tap]! * this.#phases[offset + tap]!;
    }
    return sum;
  }
}

/** Coefficients for `up` phases of `taps`; `cutoff` is in cycles per input sample. Each phase sums to 1. */
function design(up: number, taps: number, cutoff: number): Float32Array {
  const phases = new Float32Array(up * taps);
  const beta = 0.1102 * (ATTENUATION_DB - 8.7);
  const centre = taps / 2 - 1;
  for (let phase = 0; phase < up; phase += 1) {
    const row = phases.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const distance = tap - centre - phase / up;
      const edge = (2 * distance) / taps;
      const window = Math.abs(edge) > 1 ? 0 : besselI0(beta * Math.sqrt(1 - edge * edge)) / besselI0(beta);
      const x = 2 * cutoff * distance;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
      row[tap] = 2 * cutoff * sinc * window;
      sum += row[tap]!;
    }
    for (let tap = 0; tap < taps; tap += 1) row[tap] = row[tap]! / sum;
  }
  return phases;
}

function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
