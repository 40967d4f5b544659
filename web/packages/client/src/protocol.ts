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

/** `GET /api/financial-sherpa/realtime`; without an upstream where the page belongs to another portal. */
export interface PageConfig {
  readonly customer: Named;
  readonly greeting: string;
  readonly socketPath: string;
  readonly csrfToken: string;
  readonly ticketRequired: boolean;
  readonly demo?: { readonly customers: readonly Named[] } | null;
  readonly upstream?: Upstream;
  readonly models?: readonly { readonly id: string; readonly label: string }[];
  readonly voices?: readonly string[];
  /** What a person must be shown and agree to before the sound is recorded; null where it never is. */
  readonly recording?: { readonly words: string } | null;
}

/**
 * What a page of another origin than the gateway's brings along: its portal knows the customer, and its own back end
 * signs the tickets. The gateway is asked nothing but whether it lives.
 */
export interface PortalAccess {
  /** From the root of the portal's origin, or a whole address: a POST is answered by `{ "ticket": "..." }`. */
  readonly ticketUrl: string;
  /** Sent along, for the portal's own protection against forged requests. */
  readonly ticketHeaders?: Readonly<Record<string, string>>;
  /** As in the ticket: what the page shows, and whose conversation a reload may go on with. */
  readonly customer: Named;
  /** Shown before anything was said. */
  readonly greeting?: string;
}

/** What `create_session` may bear; absent means the gateway's default. */
export interface SessionWish {
  /** Whom the page shows: another one's login is refused. */
  readonly customerId?: string;
  readonly voice?: string;
  readonly model?: string;
  readonly instructions?: string;
  readonly turnDetection?: "auto" | "manual";
  readonly greet?: boolean;
  /** The words under which the speaker agreed to be recorded: exactly those of `PageConfig.recording`, as they were shown. */
  readonly consent?: string;
}

/** What a client must show to take its session up again. The token is a secret of this tab. */
export interface Claim {
  readonly sessionId: string;
  readonly resumeToken: string;
  /** Empty: we know nothing of what was said before, tell us everything. */
  readonly epoch: string;
}

export type Command =
  | ({ readonly type: "create_session"; readonly framing: "positioned" } & SessionWish)
  | ({ readonly type: "resume_session"; readonly offset: number } & Claim)
  | { readonly type: "input_text"; readonly text: string; readonly eventId?: string }
  | { readonly type: "commit_audio" | "clear_audio" | "cancel_response" | "end_session" }
  | { readonly type: "played"; readonly itemId: string; readonly ms: number }
  /** How long the user waited for an answer, in samples of the session's input. */
  | {
      readonly type: "heard";
      readonly itemId: string;
      /** The last loud sample of the turn. */
      readonly spokeUntil: number;
      /** What was being recorded when the first audio of the answer came, and when its first loud sample was heard. */
      readonly receivedAt: number;
      readonly heardAt: number;
    }
  | { readonly type: "ack"; readonly offset: number }
  | { readonly type: "ping"; readonly at: number }
  | { readonly type: "report"; readonly fault?: string; readonly underruns?: number };

export type ResponseStatus = "completed" | "cancelled" | "failed" | "incomplete";
export type LinkStatus = "connecting" | "live" | "recovering" | "degraded" | "draining";
/** What the assistant still knows of the conversation after a break. */
export type Context = "full" | "text_only" | "summary" | "none";

/** One turn as the gateway remembers it. */
export interface SnapshotItem {
  readonly id: string;
  readonly role: string;
  readonly text?: string;
  readonly final?: boolean;
  readonly status?: string;
}

interface Messages {
  session_created: {
    sessionId: string;
    resumeToken?: string;
    epoch?: string;
    received?: number;
    upstream: Upstream;
    voice?: string;
    durability?: string;
    limits?: { resumeWindowSeconds?: number; inputRingSeconds?: number; sessionSeconds?: number };
  };
  session_resumed: {
    recovered: boolean;
    epoch: string;
    offset: number;
    received: number;
    durable?: number;
    resumeToken: string;
    contextRestored?: Context;
    durability?: string;
  };
  snapshot: { items: readonly SnapshotItem[] };
  session_ready: { upstream: Upstream };
  status: { state: LinkStatus; fault?: Fault; retryInMs?: number; upstream?: Upstream; notes?: readonly string[] };
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
  accepted: { eventId: string };
  error: {
    code: string;
    message: string;
    fault?: Fault;
    retryable?: boolean;
    retryAfterMs?: number;
    suppressed?: number;
    eventId?: string;
  };
  session_ended: { reason: string; fault?: Fault; retryAfterMs?: number };
}

export type MessageType = keyof Messages;

/** One text message of the gateway. `offset` numbers what follows `session_created`. */
export type GatewayMessage = {
  [T in MessageType]: { readonly type: T; readonly offset?: number } & Readonly<Messages[T]>;
}[MessageType];

type Kind = "string" | "number" | "boolean" | "object" | "array";

/** The fields without which a message cannot be acted on; anything else may be absent. */
const REQUIRED: { readonly [T in MessageType]: { readonly [field: string]: Kind } } = {
  session_created: { sessionId: "string", upstream: "object" },
  session_resumed: {
    recovered: "boolean",
    epoch: "string",
    offset: "number",
    received: "number",
    resumeToken: "string",
  },
  snapshot: { items: "array" },
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
  accepted: { eventId: "string" },
  error: { code: "string", message: "string" },
  session_ended: { reason: "string" },
};

/** One text message: its number, if it has one, and what it says, if this client can act on it. */
export interface TextMessage {
  readonly offset: number | undefined;
  readonly message: GatewayMessage | undefined;
}

/** A newer gateway may say more than this client understands: that is no error, but it is counted. */
export function decodeText(text: string): TextMessage {
  let said: Record<string, unknown> = {};
  try {
    said = (JSON.parse(text) as typeof said | null) ?? said;
  } catch {
    // It says nothing.
  }
  const offset = typeof said["offset"] === "number" ? said["offset"] : undefined;
  return { offset, message: isKnown(said) ? said : undefined };
}

function isKnown(said: Record<string, unknown>): said is Record<string, unknown> & GatewayMessage {
  const type = said["type"];
  if (typeof type !== "string" || !Object.hasOwn(REQUIRED, type)) return false;
  return Object.entries(REQUIRED[type as MessageType]).every(([field, kind]) => {
    const found = said[field];
    return kind === "array" ? Array.isArray(found) : typeof found === kind && found !== null;
  });
}

/** The gateway writes a journal: only what is durable is safe there. */
export function isDurable({ durability = "none" }: { readonly durability?: string }): boolean {
  return durability !== "none";
}

/** Messages that are for the network worker alone. */
const SILENT: ReadonlySet<string> = new Set(["audio_received", "pong", "accepted"]);

export function concernsPage(message: GatewayMessage): boolean {
  return !SILENT.has(message.type) && !(message.type === "audio_lost" && message.direction === "input");
}
