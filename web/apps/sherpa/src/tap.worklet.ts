/**
 * A listener behind the loudspeaker's node, and beside it the microphone: peaks of what is played by quantum, and
 * the last minute of both on request, sample by sample at the same time. And one behind the microphone's own node:
 * the first two minutes of what the page was given, no sample more or less.
 */

const KEPT = sampleRate * 60;
const QUANTUM = 128;
const QUANTA_PER_REPORT = 16;
/** What the inputs are, and how they are asked for. */
const NAMES = ["samples", "microphone"];

class Tap extends AudioWorkletProcessor {
  readonly #kept = NAMES.map(() => new Float32Array(KEPT));
  #written = 0;
  #quanta: { at: number; peak: number }[] = [];

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<string>) =>
      this.port.postMessage(this.#recent(this.#kept[NAMES.indexOf(data)]!));
  }

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    for (const [index, kept] of this.#kept.entries()) {
      const samples = inputs[index]?.[0];
      for (let at = 0; at < QUANTUM; at += 1) kept[(this.#written + at) % KEPT] = samples?.[at] ?? 0;
    }
    this.#written += QUANTUM;
    let peak = 0;
    for (const sample of inputs[0]?.[0] ?? []) peak = Math.max(peak, Math.abs(sample));
    this.#quanta.push({ at: Date.now(), peak });
    if (this.#quanta.length === QUANTA_PER_REPORT) {
      this.port.postMessage(this.#quanta);
      this.#quanta = [];
    }
    return true;
  }

  #recent(kept: Float32Array): Float32Array {
    if (this.#written <= KEPT) return kept.slice(0, this.#written);
    const at = this.#written % KEPT;
    const recent = new Float32Array(KEPT);
    recent.set(kept.subarray(at), 0);
    recent.set(kept.subarray(0, at), KEPT - at);
    return recent;
  }
}

class Given extends AudioWorkletProcessor {
  readonly #kept = new Float32Array(sampleRate * 120);
  #written = 0;

  constructor() {
    super();
    this.port.onmessage = () => this.port.postMessage(this.#kept.slice(0, this.#written));
  }

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const samples = inputs[0]?.[0];
    if (samples === undefined || this.#written + samples.length > this.#kept.length) return true;
    this.#kept.set(samples, this.#written);
    this.#written += samples.length;
    return true;
  }
}

registerProcessor("holdfast-tap", Tap);
registerProcessor("holdfast-given", Given);
