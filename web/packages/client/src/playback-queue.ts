/**
 * What the assistant says, between the network and the loudspeaker.
 *
 * What lives here: one queue of audio items in order, the start threshold, fades, flush, the count of samples
 * truly played for each item. What never will: Web Audio, the network. Runs on the audio thread.
 *
 *     idle ──push──► gathering ──threshold or finish──► playing ──empty──► gathering (an underrun) | idle
 *                                                       playing ──flush──► fading ──5 ms──► idle
 */

import { SAMPLE_RATE } from "./protocol";
import { isLoud } from "./silence";

const MS = SAMPLE_RATE / 1000;
const START_MS = 60;
const START_MS_MAX = 200;
const START_MS_MIN = 40;
/** After this much uninterrupted play the threshold goes down a step again. */
const CALM_SAMPLES = 30 * SAMPLE_RATE;
const FADE_SAMPLES = 5 * MS;
/** Beyond this the newest audio is refused: nobody listens five minutes behind. */
const QUEUE_SAMPLES_MAX = 300 * SAMPLE_RATE;
const INT16_SCALE = 1 / 32_768;

export type PlaybackPhase = "idle" | "gathering" | "playing" | "fading";

interface Item {
  readonly stream: number;
  readonly itemId: string;
  readonly chunks: Int16Array[];
  /** Samples of this item received, up to the last loud one of these, and played. */
  received: number;
  audible: number;
  played: number;
  finished: boolean;
}

export interface PlayedItem {
  readonly itemId: string;
  readonly played: number;
  /** What came of it without the silence at its end, which nobody misses. */
  readonly audible: number;
}

export class PlaybackQueue {
  phase: PlaybackPhase = "idle";
  underruns = 0;
  startMs = START_MS;
  #items: Item[] = [];
  #chunkAt = 0;
  #queued = 0;
  #fade = 0;
  #calm = 0;
  /** Everything up to this stream has been flushed; later frames of it are late and dropped. */
  #deadStream = -1;
  #newestStream = -1;
  #lastPlayed: PlayedItem | undefined;
  /** The queue ran empty in mid-item: an underrun if that item goes on, its end if not. */
  #dry = false;

  /** Announce an audio item. */
  begin(stream: number, itemId: string): void {
    if (stream <= this.#deadStream || this.#items.some((item) => item.stream === stream)) return;
    this.#newestStream = Math.max(this.#newestStream, stream);
    this.#items.push({ stream, itemId, chunks: [], received: 0, audible: 0, played: 0, finished: false });
  }

  /** Audio of an announced item; late frames of a flushed one are dropped. */
  push(stream: number, pcm: Int16Array): void {
    const item = this.#items.find((known) => known.stream === stream);
    if (item === undefined || pcm.length === 0) return;
    if (this.#queued + pcm.length > QUEUE_SAMPLES_MAX) return;
    if (this.#dry && item.received > 0) this.#underrun();
    this.#dry = false;
    item.chunks.push(pcm);
    const loud = pcm.findLastIndex(isLoud) + 1;
    if (loud > 0) item.audible = item.received + loud;
    item.received += pcm.length;
    this.#queued += pcm.length;
    if (this.phase === "idle") this.phase = "gathering";
  }

  /** No more audio comes for the items known so far. */
  finish(): void {
    for (const item of this.#items) item.finished = true;
  }

  /** Silence, now: a 5 ms fade, then nothing of what is queued. */
  flush(): void {
    this.#deadStream = this.#newestStream;
    if (this.phase === "playing") {
      this.phase = "fading";
      this.#fade = FADE_SAMPLES;
    } else if (this.phase !== "fading") {
      this.#drop();
    }
  }

  /** The item that is being heard, or was last. */
  get current(): PlayedItem | undefined {
    const item = this.#items.find((known) => known.played > 0);
    return item === undefined ? this.#lastPlayed : snapshot(item);
  }

  /** Fill one block; answers its peak (0..1). */
  render(out: Float32Array): number {
    if (this.phase === "gathering" && this.#mayStart()) {
      this.phase = "playing";
      this.#fade = FADE_SAMPLES;
    }
    let peak = 0;
    for (let index = 0; index < out.length; index += 1) {
      const sample = this.phase === "playing" || this.phase === "fading" ? this.#take() : 0;
      out[index] = sample;
      const loud = sample < 0 ? -sample : sample;
      if (loud > peak) peak = loud;
    }
    return peak;
  }

  #mayStart(): boolean {
    return this.#queued >= this.startMs * MS || this.#items.every((item) => item.finished);
  }

  #take(): number {
    const item = this.#head();
    const chunk = item?.chunks[0];
    const flushed = this.phase === "fading" && item !== undefined && item.stream > this.#deadStream;
    if (item === undefined || chunk === undefined || flushed) {
      this.#ranDry();
      return 0;
    }
    const sample = chunk[this.#chunkAt]! * INT16_SCALE;
    this.#chunkAt += 1;
    item.played += 1;
    this.#queued -= 1;
    if (this.#chunkAt === chunk.length) {
      item.chunks.shift();
      this.#chunkAt = 0;
    }
    this.#grewCalmer();
    return sample * this.#gain();
  }

  /** The first item that still has audio; finished and empty ones before it leave. */
  #head(): Item | undefined {
    for (;;) {
      const item = this.#items[0];
      if (item === undefined || item.chunks.length > 0) return item;
      // An item whose successor already sounds is over, whether or not its end was announced.
      if (!item.finished && !this.#items[1]?.chunks.length) return item;
      this.#lastPlayed = snapshot(item);
      this.#items.shift();
    }
  }

  #gain(): number {
    if (this.#fade === 0) return 1;
    this.#fade -= 1;
    if (this.phase === "playing") return 1 - this.#fade / FADE_SAMPLES;
    const gain = this.#fade / FADE_SAMPLES;
    if (this.#fade === 0) this.#drop();
    return gain;
  }

  #ranDry(): void {
    if (this.phase === "fading") {
      this.#drop();
      return;
    }
    if (this.#items.length === 0) {
      this.phase = "idle";
      return;
    }
    this.phase = "gathering";
    this.#dry = true;
  }

  #underrun(): void {
    this.underruns += 1;
    this.#calm = 0;
    this.startMs = Math.min(START_MS_MAX, this.startMs * 1.5);
  }

  #grewCalmer(): void {
    this.#calm += 1;
    if (this.#calm < CALM_SAMPLES) return;
    this.#calm = 0;
    this.startMs = Math.max(START_MS_MIN, this.startMs / 1.5);
  }

  /** Everything flushed leaves; items announced after the flush stay. */
  #drop(): void {
    const heard = this.#items.find((item) => item.played > 0);
    if (heard !== undefined) this.#lastPlayed = snapshot(heard);
    this.#items = this.#items.filter((item) => item.stream > this.#deadStream);
    this.#chunkAt = 0;
    this.#fade = 0;
    this.#dry = false;
    this.#queued = this.#items.reduce((sum, item) => sum + item.received, 0);
    this.phase = this.#queued > 0 ? "gathering" : "idle";
  }
}

function snapshot({ itemId, played, audible }: Item): PlayedItem {
  return { itemId, played, audible };
}
