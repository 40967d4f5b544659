/** A listener behind the loudspeaker's node: peaks by quantum, and the last minute of samples on request. */

const KEPT = sampleRate * 60;
const QUANTA_PER_REPORT = 16;

class Tap extends AudioWorkletProcessor {
  readonly #kept = new Float32Array(KEPT);
  #written = 0;
  #quanta: { at: number; peak: number }[] = [];

  constructor() {
    super();
    this.port.onmessage = () => this.port.postMessage(this.#recent());
  }

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const samples = inputs[0]?.[0];
    let peak = 0;
    for (const sample of samples ?? []) {
      peak = Math.max(peak, Math.abs(sample));
      this.#kept[this.#written % KEPT] = sample;
      this.#written += 1;
    }
    this.#quanta.push({ at: Date.now(), peak });
    if (this.#quanta.length === QUANTA_PER_REPORT) {
      this.port.postMessage(this.#quanta);
      this.#quanta = [];
    }
    return true;
  }

  #recent(): Float32Array {
    if (this.#written <= KEPT) return this.#kept.slice(0, this.#written);
    const at = this.#written % KEPT;
    const recent = new Float32Array(KEPT);
    recent.set(this.#kept.subarray(at), 0);
    recent.set(this.#kept.subarray(0, at), KEPT - at);
    return recent;
  }
}

registerProcessor("holdfast-tap", Tap);
