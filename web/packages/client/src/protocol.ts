/**
 * The browser protocol as types: what the page says, what the gateway says, and the page's configuration.
 *
 * What lives here: shapes, and the one check that turns a text message into one of them.
 * What never will: bytes of audio (`wire.ts`), what a message means for the conversation (`reducer.ts`).
 */

export const PROTOCOL = "holdfast.v1";
export const TICKET_PREFIX = "holdfast.ticket.";
export const SAMPLE_RATE = 24_000;

export type Party =
  | "user_device"
  | "user_network"
  | "application"
  | "configuration"
  | "gateway"
  | "tool"
  | "provider"
  | "store";

/** A diagnosed cause, in the gateway's words. */
export interface Fault {
  readonly code: string;
  readonly party: Party;
  readonly message: string;
  readonly remedy: string;
  readonly evidence?: readonly string[];
}

export interface Upstream {
  readonly name: string;
  readonly kind: string;
  readonly model?: string;
  readonly sessionId?: string;
}

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** `GET /api/financial-sherpa/realtime` */
export interface PageConfig {
  readonly customer: Named;
  readonly assistant: { readonly name: string };
  readonly greeting: string;
  readonly socketPath: string;
  readonly csrfToken: string;
  readonly ticketRequired: boolean;
  readonly demo: { readonly customers: readonly Named[] } | null;
  readonly upstream: Upstream;
  readonly models?: readonly { readonly id: string; readonly label: string }[];
  readonly voices?: readonly string[];
}

/** What `create_session` may bear; absent means the gateway's default. */
export interface SessionWish {
  readonly voice?: string;
  readonly model?: string;
  readonly instructions?: string;
  readonly turnDetection?: "auto" | "manual";
  readonly greet?: boolean;
}

export type Command =
  | ({ readonly type: "create_session"; readonly framing: "positioned" } & SessionWish)
  | { readonly type: "input_text"; readonly text: string }
  | { readonly type: "commit_audio" | "clear_audio" | "cancel_response" | "end_session" }
  | { readonly type: "played"; readonly itemId: string; readonly ms: number }
  | { readonly type: "ack"; readonly offset: number }
  | { readonly type: "ping"; readonly at: number };

export type ResponseStatus = "completed" | "cancelled" | "failed" | "incomplete";
export type LinkStatus = "connecting" | "live" | "recovering" | "degraded" | "draining";

interface Messages {
  session_created: {
    sessionId: string;
    resumeToken?: string;
    epoch?: string;
    received?: number;
    upstream: Upstream;
    voice?: string;
  };
  session_ready: { upstream: Upstream };
  status: { state: LinkStatus; fault?: Fault; retryInMs?: number };
  speech_started: { itemId?: string; sample?: number };
  speech_stopped: { itemId?: string; sample?: number };
  user_transcript: { itemId: string; text: string; final: boolean };
  response_started: { responseId: string };
  audio_started: { responseId: string; itemId: string; stream: number };
  assistant_transcript: { responseId: string; itemId: string; text: string; final: boolean };
  interrupted: { responseId?: string; itemId?: string; playedMs?: number };
  response_done: { responseId: string; status: ResponseStatus; fault?: Fault };
  tool_started: { callId: string; name: string; status?: string };
  tool_done: { callId: string; name: string; status: string };
  client_action: { action: string; target: string; arguments?: Record<string, unknown> };
  pong: { at?: number };
  audio_received: { received: number; durable?: number };
  audio_lost: { direction: string; from: number; to: number; reason: string };
  error: {
    code: string;
    message: string;
    fault?: Fault;
    retryable?: boolean;
    retryAfterMs?: number;
    suppressed?: number;
  };
  session_ended: { reason: string; fault?: Fault };
}

export type MessageType = keyof Messages;

/** One text message of the gateway. `offset` numbers what follows `session_created`. */
export type GatewayMessage = {
  [T in MessageType]: { readonly type: T; readonly offset?: number } & Readonly<Messages[T]>;
}[MessageType];

type Kind = "string" | "number" | "boolean" | "object";

/** The fields without which a message cannot be acted on; anything else may be absent. */
const REQUIRED: { readonly [T in MessageType]: { readonly [field: string]: Kind } } = {
  session_created: { sessionId: "string", upstream: "object" },
  session_ready: { upstream: "object" },
  status: { state: "string" },
  speech_started: {},
  speech_stopped: {},
  user_transcript: { itemId: "string", text: "string", final: "boolean" },
  response_started: { responseId: "string" },
  audio_started: { responseId: "string", itemId: "string", stream: "number" },
  assistant_transcript: { responseId: "string", itemId: "string", text: "string", final: "boolean" },
  interrupted: {},
  response_done: { responseId: "string", status: "string" },
  tool_started: { callId: "string", name: "string" },
  tool_done: { callId: "string", name: "string", status: "string" },
  client_action: { action: "string", target: "string" },
  pong: {},
  audio_received: { received: "number" },
  audio_lost: { direction: "string", from: "number", to: "number", reason: "string" },
  error: { code: "string", message: "string" },
  session_ended: { reason: "string" },
};

/**
 * A text message as a typed one; `undefined` for what this client does not know or cannot act on
 * (a newer gateway may say more than we understand: that is no error).
 */
export function decodeMessage(text: string): GatewayMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const message = value as Record<string, unknown>;
  const type = message["type"];
  if (typeof type !== "string" || !Object.hasOwn(REQUIRED, type)) return undefined;
  const fields = REQUIRED[type as MessageType];
  for (const [field, kind] of Object.entries(fields)) {
    const found = message[field];
    if (typeof found !== kind || found === null) return undefined;
  }
  return message as unknown as GatewayMessage;
}
