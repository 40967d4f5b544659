/**
 * The loudspeaker: one 24 kHz context with the playback worklet.
 *
 * What lives here: the graph, whether the browser lets it sound. What never will: samples, the queue.
 */

import { addPlayback } from "./assets";
import { SAMPLE_RATE } from "./protocol";
import type { Level } from "./worker-messages";

export interface SpeakerOptions {
  /** The worker's end of the channel that carries audio. */
  readonly port: MessagePort;
  onLevel(peak: number): void;
  onState(sounds: boolean): void;
  /** Another listener on the same samples (a recorder, a test). */
  readonly tap: ((node: AudioNode) => Promise<void> | void) | undefined;
}

const UNLOCK_MS = 500;

export class Speaker {
  readonly #context = new AudioContext({ sampleRate: SAMPLE_RATE, latencyHint: "interactive" });
  #leave!: () => void;
  readonly #left = new Promise<void>((resolve) => (this.#leave = resolve));

  private constructor() {}

  /** Call it inside a click: that is what lets a browser make sound. */
  static async open(options: SpeakerOptions): Promise<Speaker> {
    const speaker = new Speaker();
    const context = speaker.#context;
    try {
      await addPlayback(context);
    } catch (cause) {
      void context.close();
      throw cause;
    }
    const node = new AudioWorkletNode(context, "holdfast-playback", { numberOfInputs: 0, outputChannelCount: [1] });
    node.port.onmessage = ({ data }: MessageEvent<Level>) => options.onLevel(data.peak);
    node.port.postMessage(options.port, [options.port]);
    node.connect(context.destination);
    await options.tap?.(node);
    context.addEventListener("statechange", () => options.onState(context.state === "running"));
    options.onState(await speaker.unlock());
    return speaker;
  }

  /**
   * Whether sound comes out. A browser that wants a tap first leaves `resume` pending: we do not wait for it. One that
   * was closed, even while somebody waited for it to open, refuses to resume: `#left` comes first, as that is no fault.
   */
  async unlock(): Promise<boolean> {
    const waited = new Promise<void>((resolve) => setTimeout(resolve, UNLOCK_MS));
    await Promise.race([this.#left, this.#context.resume(), waited]);
    return this.#context.state === "running";
  }

  /** What is queued is not heard any more. */
  close(): Promise<void> {
    this.#leave();
    return this.#context.close();
  }

  get latencyMs(): number {
    // Not every browser knows its output latency.
    const seconds = (this.#context.outputLatency as number | undefined) ?? this.#context.baseLatency;
    return seconds * 1000 || 0;
  }
}
