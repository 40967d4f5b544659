/**
 * What comes down: numbers checked, audio sorted to its item, playback told.
 *
 * What lives here: duplicates, which streams still count, when playback is flushed.
 * What never will: sockets, the store.
 *
 * Playback numbers streams by itself, across sessions, so that a new session can never collide with the old.
 */

import type { GatewayMessage } from "./protocol";
import { decodeDownlink } from "./wire";
import type { ToPlayback } from "./worker-messages";

export class Downlink {
  /** Offset of the last message of this session. */
  offset = 0;
  damaged = 0;
  readonly #play: (message: ToPlayback) => void;
  readonly #streams = new Map<number, number>();
  readonly #cutResponses = new Set<string>();
  #nextStream = 0;
  #response: string | undefined;

  constructor(play: (message: ToPlayback) => void) {
    this.#play = play;
  }

  /** A new session: numbers begin again, what still sounds of the old one may end. */
  begin(): void {
    this.offset = 0;
    this.#streams.clear();
    this.#cutResponses.clear();
    this.#response = undefined;
    this.#play({ type: "finish" });
  }

  /** Whether a response is still being made. */
  get answering(): boolean {
    return this.#response !== undefined;
  }

  binary(bytes: ArrayBuffer): void {
    const message = decodeDownlink(bytes);
    if (message === undefined) {
      this.damaged += 1;
      return;
    }
    if (!this.#isNew(message.offset)) return;
    const stream = this.#streams.get(message.stream);
    if (stream !== undefined) this.#play({ type: "audio", stream, pcm: message.pcm });
  }

  /** Answers false for a message that came before. */
  text(message: GatewayMessage): boolean {
    if (message.offset !== undefined && !this.#isNew(message.offset)) return false;
    switch (message.type) {
      case "response_started":
        this.#response = message.responseId;
        break;
      case "audio_started":
        this.#began(message.responseId, message.itemId, message.stream);
        break;
      case "response_done":
        if (this.#response === message.responseId) this.#response = undefined;
        this.#play({ type: "finish" });
        break;
      case "interrupted":
        this.cut(message.responseId);
        break;
      case "speech_started":
        // The user speaks: whatever is queued is stale. The response itself is cut by `interrupted`.
        this.#play({ type: "flush" });
        break;
      default:
    }
    return true;
  }

  /** Silence now; what the response still sends is dropped. */
  cut(responseId: string | undefined = this.#response): void {
    if (responseId !== undefined) this.#cutResponses.add(responseId);
    this.#streams.clear();
    this.#play({ type: "flush" });
  }

  #began(responseId: string, itemId: string, stream: number): void {
    if (this.#cutResponses.has(responseId)) return;
    this.#streams.set(stream, this.#nextStream);
    this.#play({ type: "begin", stream: this.#nextStream, itemId });
    this.#nextStream += 1;
  }

  #isNew(offset: number): boolean {
    if (offset <= this.offset) return false;
    this.offset = offset;
    return true;
  }
}
