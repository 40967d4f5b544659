/**
 * Everything the page shows, as one immutable value, and everything that can happen to it.
 *
 * What lives here: shapes and the initial value. What never will: transitions (`reducer.ts`), words (the
 * React package), audio levels (they change twenty times a second and never pass through here).
 */

import { initialLink, type LinkState } from "./link";
import type { Context, Fault, GatewayMessage, PageConfig, ResponseStatus, Upstream } from "./protocol";

export type MicPhase =
  | "off"
  | "asking"
  | "opening"
  | "live"
  | "muted"
  | "denied"
  | "missing"
  | "busy"
  | "lost"
  /** Its script could not be loaded: the gateway is away, not the microphone. */
  | "unloaded";
export type TurnPhase = "idle" | "user_speaking" | "thinking" | "tool" | "agent_speaking" | "interrupted";
export type SpeakerPhase = "off" | "locked" | "ready" | "playing";

export interface Mic {
  readonly phase: MicPhase;
  /** Opened a while ago and nothing but digital silence has come since. */
  readonly silent: boolean;
  readonly deviceId: string | undefined;
  /** Hold-to-talk: the microphone is open and hears only while the button is held. */
  readonly holdToTalk: boolean;
}

export interface Turn {
  readonly phase: TurnPhase;
  readonly since: number;
  readonly tool: string | undefined;
  /** Responses the gateway has begun and not ended. */
  readonly response: string | undefined;
}

export interface Speech {
  readonly kind: "user" | "assistant";
  readonly id: string;
  readonly text: string;
  readonly final: boolean;
  readonly at: number;
  readonly typed: boolean;
  readonly responseId: string | undefined;
  /** `forgotten`: said here, and the gateway does not know it any more. `unanswered`: typed, and no session took it. */
  readonly status: ResponseStatus | "forgotten" | "unanswered" | undefined;
  /** What had sounded and what had come when the answer was cut, in milliseconds. */
  readonly cut: { readonly heardMs: number; readonly ofMs: number } | undefined;
}

export interface Divider {
  readonly kind: "divider";
  readonly id: string;
  readonly at: number;
}

export interface Gap {
  readonly kind: "gap";
  readonly id: string;
  readonly at: number;
  readonly ms: number;
  /** Whose words they were. */
  readonly of: "user" | "assistant";
}

/** What changed in mid-conversation without anybody having said it. */
export interface Note {
  readonly kind: "note";
  readonly id: string;
  readonly at: number;
  readonly about:
    | { readonly what: "upstream"; readonly upstream: Upstream }
    /** After a break the assistant does not remember everything as it was. */
    | { readonly what: "restored"; readonly context: Exclude<Context, "full"> }
    /** What it said meanwhile can be read, but was not spoken. */
    | { readonly what: "unspoken" }
    /** The gateway's own. */
    | { readonly what: "words"; readonly words: string };
}

export type Entry = Speech | Divider | Gap | Note;

export interface Notice {
  readonly code: string;
  readonly message: string;
  readonly fault: Fault | undefined;
  readonly at: number;
  /** How often it came, with what the gateway held back. */
  readonly count: number;
  /** A state of the gateway and no event: it is over when the gateway is well again. */
  readonly isStatus: boolean;
}

export interface OpenForm {
  readonly target: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface Device {
  readonly id: string;
  readonly label: string;
}

export interface VoiceState {
  readonly config: PageConfig | undefined;
  /** Why the configuration could not be had. */
  readonly configFault: string | undefined;
  readonly link: LinkState;
  /** Speech that waits on this side, and how much can, in milliseconds. */
  readonly waitingMs: number;
  readonly ringMs: number;
  readonly mic: Mic;
  readonly turn: Turn;
  readonly speaker: {
    readonly phase: SpeakerPhase;
    readonly itemId: string | undefined;
    readonly heardMs: number;
    readonly ofMs: number;
    readonly underruns: number;
  };
  readonly session:
    | {
        readonly upstream: Upstream | undefined;
        /** What the assistant knew of the conversation when this was told last. */
        readonly context: Context;
        readonly endsAt: number | undefined;
      }
    | undefined;
  /** The session is nearly over: it has this much left. */
  readonly endsInMs: number | undefined;
  readonly entries: readonly Entry[];
  readonly notices: readonly Notice[];
  readonly form: OpenForm | undefined;
  readonly devices: readonly Device[];
}

export type Action =
  | { readonly type: "configured"; readonly config: PageConfig }
  | { readonly type: "config_failed"; readonly reason: string }
  | { readonly type: "started"; readonly at: number }
  | { readonly type: "link"; readonly link: LinkState; readonly at: number }
  | { readonly type: "message"; readonly message: GatewayMessage; readonly at: number }
  | { readonly type: "waiting"; readonly ms: number; readonly ringMs: number }
  | { readonly type: "overflowed"; readonly ms: number; readonly at: number }
  | { readonly type: "mic"; readonly phase: MicPhase; readonly deviceId?: string }
  | { readonly type: "mic_silent"; readonly silent: boolean }
  | { readonly type: "hold_to_talk"; readonly on: boolean }
  | { readonly type: "speaker"; readonly phase: SpeakerPhase }
  | { readonly type: "playing"; readonly itemId: string; readonly heardMs: number; readonly ofMs: number; readonly at: number }
  | { readonly type: "quiet"; readonly underruns: number; readonly at: number }
  | { readonly type: "typed"; readonly id: string; readonly text: string; readonly at: number }
  | { readonly type: "unanswered"; readonly ids: readonly string[] }
  | { readonly type: "silenced"; readonly at: number }
  | { readonly type: "devices"; readonly devices: readonly Device[] }
  | { readonly type: "tick"; readonly at: number }
  | { readonly type: "form_closed" }
  | { readonly type: "dismissed"; readonly code: string }
  | { readonly type: "forgotten" }
  /** Back to the beginning, with or without a configuration: how recorded logs are played again. */
  | { readonly type: "reset"; readonly config: PageConfig | undefined };

export function initialState(now: number): VoiceState {
  return {
    config: undefined,
    configFault: undefined,
    link: initialLink(now),
    waitingMs: 0,
    ringMs: 45_000,
    mic: { phase: "off", silent: false, deviceId: undefined, holdToTalk: false },
    turn: { phase: "idle", since: now, tool: undefined, response: undefined },
    speaker: { phase: "off", itemId: undefined, heardMs: 0, ofMs: 0, underruns: 0 },
    session: undefined,
    endsInMs: undefined,
    entries: [],
    notices: [],
    form: undefined,
    devices: [],
  };
}
