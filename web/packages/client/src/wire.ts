/**
 * Bytes of the browser protocol's binary messages (`framing: positioned`), little endian.
 *
 * What lives here: the 8-byte header of what goes up, the 24-byte header of what comes down.
 * What never will: queues, sockets.
 */

export const UPLINK_HEADER_BYTES = 8;
export const DOWNLINK_HEADER_BYTES = 24;
const BYTES_PER_SAMPLE = 2;

export interface Downlink {
  /** Number of this message in the session, as in a text message's `offset`. */
  readonly offset: number;
  /** Which audio item this belongs to; `audio_started` announced it. */
  readonly stream: number;
  /** Index of the first sample within that item's audio. */
  readonly first: number;
  readonly pcm: Int16Array<ArrayBuffer>;
}

/** Room for one uplink message; `samples` views its PCM part. */
export function uplinkMessage(first: number, count: number): { bytes: ArrayBuffer; samples: Int16Array } {
  const bytes = new ArrayBuffer(UPLINK_HEADER_BYTES + count * BYTES_PER_SAMPLE);
  writeU64(new DataView(bytes), 0, first);
  return { bytes, samples: new Int16Array(bytes, UPLINK_HEADER_BYTES) };
}

/** A binary message of the gateway, or `undefined` when it is none we know (too short, odd length). */
export function decodeDownlink(bytes: ArrayBuffer): Downlink | undefined {
  const payload = bytes.byteLength - DOWNLINK_HEADER_BYTES;
  if (payload < 0 || payload % BYTES_PER_SAMPLE !== 0) return undefined;
  const view = new DataView(bytes);
  return {
    offset: readU64(view, 0),
    stream: view.getUint32(8, true),
    first: readU64(view, 16),
    // A copy, because the frame is handed on to the audio thread without its header.
    pcm: new Int16Array(bytes.slice(DOWNLINK_HEADER_BYTES)),
  };
}

/** Sample indices stay far below 2^53 (11,000 years at 24 kHz), so plain numbers carry them. */
export function writeU64(view: DataView, at: number, value: number): void {
  view.setBigUint64(at, BigInt(value), true);
}

export function readU64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}
