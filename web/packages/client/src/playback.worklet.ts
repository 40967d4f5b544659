/**
 * The loudspeaker's end of the audio thread.
 *
 * What lives here: wiring of `PlaybackQueue` to ports and to the output. What never will: arithmetic.
 */

import { PlaybackQueue } from "./playback-queue";
import type { FromPlayback, Level, ToPlayback } from "./worker-messages";

const LEVEL_SAMPLES = sampleRate / 20;
/** How often the position of an item that sounds is reported. */
const PLAYED_SAMPLES = sampleRate / 5;

class Playback extends AudioWorkletProcessor {
  readonly #queue = new PlaybackQueue();
  #worker: MessagePort | undefined;
  #peak = 0;
  #sinceLevel = 0;
  #sincePlayed = 0;
  #sounding = false;
  #playing = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<MessagePort>) => {
      this.#worker = data;
      this.#worker.onmessage = (event: MessageEvent<ToPlayback>) => this.#told(event.data);
    };
  }

  process(_inputs: unknown, outputs: readonly (readonly Float32Array[])[]): boolean {
    const out = outputs[0]?.[0];
    if (out === undefined) return true;
    this.#peak = Math.max(this.#peak, this.#queue.render(out));
    this.#reportLevel(out.length);
    this.#reportPlayed(out.length);
    return true;
  }

  #told(message: ToPlayback): void {
    switch (message.type) {
      case "begin":
        this.#queue.begin(message.stream, message.itemId);
        return;
      case "audio":
        this.#queue.push(message.stream, message.pcm);
        return;
      case "finish":
        this.#queue.finish();
        return;
      case "flush":
        // Of what is silent already nothing is news. What is told as played is followed by its end.
        if ((this.#sounding ||= this.#queue.phase !== "idle")) this.#tellPlayed();
        this.#queue.flush();
    }
  }

  #reportLevel(samples: number): void {
    this.#sinceLevel += samples;
    if (this.#sinceLevel < LEVEL_SAMPLES || !(this.#sounding || this.#peak > 0)) return;
    this.#sinceLevel = 0;
    const level: Level = { peak: this.#peak };
    this.#peak = 0;
    this.port.postMessage(level);
  }

  #reportPlayed(samples: number): void {
    const sounding = this.#queue.phase !== "idle";
    if (sounding) {
      this.#sincePlayed += samples;
      // The first sound at once: how long somebody waited for it is counted from here.
      const begins = !this.#playing && this.#queue.phase === "playing";
      if (begins || this.#sincePlayed >= PLAYED_SAMPLES) this.#tellPlayed();
    } else if (this.#sounding) {
      this.#tellPlayed();
      this.#tell({ type: "idle", underruns: this.#queue.underruns });
      const silence: Level = { peak: 0 };
      this.port.postMessage(silence);
    }
    this.#sounding = sounding;
    this.#playing = this.#queue.phase === "playing";
  }

  #tellPlayed(): void {
    this.#sincePlayed = 0;
    const current = this.#queue.current;
    if (current !== undefined) this.#tell({ type: "played", ...current });
  }

  #tell(message: FromPlayback): void {
    this.#worker?.postMessage(message);
  }
}

registerProcessor("holdfast-playback", Playback);
