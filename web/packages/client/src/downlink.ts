/**
 * What comes down: numbers checked, audio sorted to its item, playback told.
 *
 * What lives here: duplicates, holes, which streams still count, which samples were played already, when playback is
 * flushed. What never will: sockets, the store.
 *
 * Playback numbers streams by itself, across sessions, so that a new session can never collide with the old.
 */

import type { GatewayMessage } from "./protocol";
import { decodeDownlink } from "./wire";
import type { ToPlayback } from "./worker-messages";

/** `old` came before; before a `hole` something is missing: neither is acted on. */
export type Arrival = "new" | "old" | "hole";

interface Stream {
  readonly play: number;
  /** The first sample that was not given to playback. */
  next: number;
}

export class Downlink {
  /** Offset of the last message of this session that came without a hole before it. */
  offset = 0;
  readonly #play: (message: ToPlayback) => void;
  readonly #streams = new Map<number, Stream>();
  readonly #cutResponses = new Set<string>();
  #nextStream = 0;
  /** The response that is being made. */
  response: string | undefined;

  constructor(play: (message: ToPlayback) => void) {
    this.#play = play;
  }

  /** Numbers begin again after `offset`: a new session, or one whose past could not be kept. */
  begin(offset = 0): void {
    this.offset = offset;
    this.#streams.clear();
    this.#cutResponses.clear();
    this.response = undefined;
    this.#play({ type: "finish" });
  }

  binary(bytes: ArrayBuffer): Arrival {
    const message = decodeDownlink(bytes);
    // Damaged: its number is unknown, so the next one tells that it is missing.
    if (message === undefined) return "old";
    const arrival = this.arrived(message.offset);
    const stream = this.#streams.get(message.stream);
    if (arrival !== "new" || stream === undefined) return arrival;
    // After a break the same samples may come under another number: nothing is said twice.
    const known = Math.max(0, stream.next - message.first);
    stream.next = Math.max(stream.next, message.first + message.pcm.length);
    const pcm = known === 0 ? message.pcm : message.pcm.slice(known);
    if (pcm.length > 0) this.#play({ type: "audio", stream: stream.play, pcm });
    return arrival;
  }

  /** Count a message; what bears no number stands outside of the order. */
  arrived(offset: number | undefined): Arrival {
    if (offset === undefined) return "new";
    if (offset <= this.offset) return "old";
    if (offset > this.offset + 1) return "hole";
    this.offset = offset;
    return "new";
  }

  /** Act on a new message. */
  text(message: GatewayMessage): void {
    switch (message.type) {
      case "response_started":
        this.response = message.responseId;
        return;
      case "audio_started":
        this.#began(message.responseId, message.itemId, message.stream);
        return;
      case "response_done":
        if (this.response === message.responseId) this.response = undefined;
        this.#play({ type: "finish" });
        return;
      case "interrupted":
        this.cut(message.responseId);
        return;
      case "speech_started":
        // The user speaks: whatever is queued is stale. The response itself is cut by `interrupted`.
        this.#play({ type: "flush" });
        return;
      default:
    }
  }

  /** Silence now; what the response still sends is dropped. */
  cut(responseId: string | undefined = this.response): void {
    if (responseId !== undefined) this.#cutResponses.add(responseId);
    this.#streams.clear();
    this.#play({ type: "flush" });
  }

  #began(responseId: string, itemId: string, stream: number): void {
    if (this.#cutResponses.has(responseId)) return;
    this.#streams.set(stream, { play: this.#nextStream, next: 0 });
    this.#play({ type: "begin", stream: this.#nextStream, itemId });
    this.#nextStream += 1;
  }
}
