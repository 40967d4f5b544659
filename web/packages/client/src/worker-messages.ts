/**
 * What the page, the network worker and the two worklets say to each other.
 *
 * What lives here: message shapes. What never will: behaviour.
 */

import type { LinkState } from "./link";
import type { Claim, GatewayMessage, PortalAccess, SessionWish } from "./protocol";

export interface LinkSettings {
  /** `ws(s)://host/path` */
  readonly socketUrl: string;
  readonly configUrl: string;
  readonly ticketUrl: string;
  /** Whose tickets are asked for in place of the gateway's. */
  readonly portal: PortalAccess | undefined;
  readonly probeUrl: string;
  readonly csrfToken: string;
  readonly ticketRequired: boolean;
  readonly session: SessionWish;
}

export type ToWorker =
  /** `claim`: the session of before a reload. */
  | { readonly type: "start"; readonly settings: LinkSettings; readonly claim?: Claim | undefined }
  | { readonly type: "stop" | "renew" }
  /** What was recorded and not sent is not wanted any more. */
  | { readonly type: "discard" }
  | { readonly type: "capture"; readonly port: MessagePort }
  | { readonly type: "playback"; readonly port: MessagePort }
  | { readonly type: "silence" }
  | { readonly type: "text"; readonly id: string; readonly text: string }
  /** A fault of this device, by the gateway's table: for whoever looks after the gateway. */
  | { readonly type: "report"; readonly fault: string }
  /** Output latency of the loudspeaker: what is rendered is not yet heard. */
  | { readonly type: "latency"; readonly ms: number };

export type FromWorker =
  | { readonly type: "link"; readonly state: LinkState }
  | { readonly type: "message"; readonly message: GatewayMessage }
  /** Speech that waits on this side, and how much can. */
  | { readonly type: "waiting"; readonly ms: number; readonly ringMs: number }
  /** Speech that nobody will hear. */
  | { readonly type: "overflowed"; readonly ms: number }
  /** Typed sentences, by their ids, that no session has taken and none will. */
  | { readonly type: "unanswered"; readonly ids: readonly string[] }
  /** What the page needs to take this session up after a reload; nothing when there is nothing to take up. */
  | { readonly type: "claim"; readonly claim: Claim | undefined }
  | { readonly type: "flushed"; readonly at: number }
  | { readonly type: "playing"; readonly itemId: string; readonly heardMs: number; readonly ofMs: number }
  | { readonly type: "quiet"; readonly underruns: number };

/** Capture worklet -> worker: a frame (its first `samples` samples); worker -> worklet: the same memory back. */
export interface CapturedFrame {
  readonly buffer: ArrayBuffer;
  readonly samples: number;
}

/** Capture worklet -> worker, after the last frame: nobody speaks any more. */
export type FromCapture = CapturedFrame | "ended";

export type ToPlayback =
  | { readonly type: "begin"; readonly stream: number; readonly itemId: string }
  | { readonly type: "audio"; readonly stream: number; readonly pcm: Int16Array }
  | { readonly type: "finish" }
  | { readonly type: "flush" };

export type FromPlayback =
  | { readonly type: "played"; readonly itemId: string; readonly played: number; readonly audible: number }
  | { readonly type: "idle"; readonly underruns: number };

/** Worklet <- page. */
export type ToCapture =
  | { readonly type: "port"; readonly port: MessagePort }
  | { readonly type: "mute"; readonly muted: boolean }
  /** `forGood`: no other microphone goes on from here. */
  | { readonly type: "end"; readonly forGood: boolean };

/** Worklet -> page: the loudest sample since the last report, about 20 times a second. */
export interface Level {
  readonly peak: number;
}
