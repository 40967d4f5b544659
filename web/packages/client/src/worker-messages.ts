/**
 * What the page, the network worker and the two worklets say to each other.
 *
 * What lives here: message shapes. What never will: behaviour.
 */

import type { LinkState } from "./connection";
import type { Command, GatewayMessage, SessionWish } from "./protocol";
import type { UplinkCounts } from "./uplink";

export interface LinkSettings {
  /** `ws(s)://host/path` */
  readonly socketUrl: string;
  readonly configUrl: string;
  readonly ticketUrl: string;
  readonly probeUrl: string;
  readonly csrfToken: string;
  readonly ticketRequired: boolean;
  readonly session: SessionWish;
}

export type ToWorker =
  | { readonly type: "start"; readonly settings: LinkSettings }
  | { readonly type: "stop" }
  | { readonly type: "capture"; readonly port: MessagePort }
  | { readonly type: "playback"; readonly port: MessagePort }
  | { readonly type: "capture_ended" }
  | { readonly type: "silence" }
  | { readonly type: "command"; readonly command: Command }
  /** Output latency of the loudspeaker: what is rendered is not yet heard. */
  | { readonly type: "latency"; readonly ms: number };

export type FromWorker =
  | { readonly type: "link"; readonly state: LinkState }
  | { readonly type: "message"; readonly message: GatewayMessage }
  | { readonly type: "uplink"; readonly counts: UplinkCounts }
  | { readonly type: "lost"; readonly from: number; readonly to: number }
  | { readonly type: "flushed"; readonly at: number }
  | { readonly type: "playing"; readonly itemId: string; readonly playedMs: number; readonly receivedMs: number }
  | { readonly type: "quiet"; readonly underruns: number };

/** Capture worklet -> worker: a frame (its first `samples` samples); worker -> worklet: the same memory back. */
export interface CapturedFrame {
  readonly buffer: ArrayBuffer;
  readonly samples: number;
}

export type ToPlayback =
  | { readonly type: "begin"; readonly stream: number; readonly itemId: string }
  | { readonly type: "audio"; readonly stream: number; readonly pcm: Int16Array }
  | { readonly type: "finish" }
  | { readonly type: "flush" };

export type FromPlayback =
  | { readonly type: "played"; readonly itemId: string; readonly played: number; readonly received: number }
  | { readonly type: "idle"; readonly underruns: number; readonly overflow: number };

/** Worklet <- page. */
export type ToCapture =
  | { readonly type: "port"; readonly port: MessagePort }
  | { readonly type: "mute"; readonly muted: boolean }
  | { readonly type: "end" };

/** Worklet -> page: the loudest sample since the last report, about 30 times a second. */
export interface Level {
  readonly peak: number;
}
