/**
 * The microphone's end of the audio thread: quanta in, 20 ms frames out to the network worker.
 *
 * What lives here: wiring of `Framer` to ports. What never will: arithmetic.
 */

import { Framer } from "./framer";
import type { CapturedFrame, Level, ToCapture } from "./worker-messages";

const LEVEL_SAMPLES = sampleRate / 20;

class Capture extends AudioWorkletProcessor {
  #worker: MessagePort | undefined;
  #sinceLevel = 0;
  #ended = false;
  readonly #framer = new Framer(sampleRate, (buffer, samples) => {
    const frame: CapturedFrame = { buffer, samples };
    this.#worker?.postMessage(frame, [buffer]);
  });

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<ToCapture>) => this.#told(data);
  }

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    // A node that is still connected is asked on: nothing may follow the end.
    if (this.#ended) return false;
    const samples = inputs[0]?.[0];
    // Before the worker's port has come nothing may be cut into frames: it would have nowhere to go.
    if (samples === undefined || this.#worker === undefined) return true;
    this.#framer.push(samples);
    this.#sinceLevel += samples.length;
    if (this.#sinceLevel >= LEVEL_SAMPLES) {
      this.#sinceLevel = 0;
      const level: Level = { peak: this.#framer.takePeak() };
      this.port.postMessage(level);
    }
    return true;
  }

  #told(message: ToCapture): void {
    switch (message.type) {
      case "port":
        this.#worker = message.port;
        this.#worker.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => this.#framer.recycle(data);
        return;
      case "mute":
        this.#framer.muted = message.muted;
        return;
      case "end":
        this.#framer.flush();
        this.#ended = true;
        if (message.forGood) this.#worker?.postMessage("ended");
    }
  }
}

registerProcessor("holdfast-capture", Capture);
