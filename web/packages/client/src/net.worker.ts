/**
 * The network worker: owns the socket, the ring and the clock of the link. A frozen page stops nothing here.
 *
 * What lives here: carrying out what `connection.ts` decides; moving frames between ports and the socket.
 * What never will: decisions about the link (`connection.ts`), about audio (`uplink.ts`, `downlink.ts`).
 */

import { steadyNow } from "./clock";
import { stepLink } from "./connection";
import { Door } from "./door";
import { Downlink } from "./downlink";
import { Heard } from "./heard";
import { accepts, initialLink, rests, visible, type LinkEffect, type LinkEvent } from "./link";
import { Outbox } from "./outbox";
import { PROTOCOL, SAMPLE_RATE, TICKET_PREFIX, concernsPage, decodeText, isDurable } from "./protocol";
import type { Claim, Command, GatewayMessage } from "./protocol";
import { Silence } from "./silence";
import { slept, type Clocks } from "./sleep";
import { Uplink, tenths } from "./uplink";
import type { FromCapture, FromPlayback, FromWorker, LinkSettings, ToPlayback, ToWorker } from "./worker-messages";

const TICK_MS = 50;
const ACK_MS = 1_000;
const COUNTS_MS = 250;
const LOSSES_MS = 1_000;
/** At most this much waits in the socket: what lies there cannot be taken back. */
const BUFFERED_BYTES_MAX = 256 * 1024;
/** While catching up the next piece may leave this soon. */
const CATCH_UP_MS = 12.5;
/** A microphone that is switched off is followed by this much silence, so that the turn can end. */
const TAIL_SAMPLES = SAMPLE_RATE;

const page = self as unknown as { postMessage(message: FromWorker): void; onmessage: unknown };

let settings: LinkSettings | undefined;
let door: Door | undefined;
let claim: Claim | undefined;
let link = initialLink(steadyNow());
let socket: WebSocket | undefined;
let playback: MessagePort | undefined;
let latencyMs = 0;
let played: Extract<FromPlayback, { type: "played" }> | undefined;
/** What is wrong with this device, and not told yet. */
let trouble: Extract<ToWorker, { type: "report" }> | undefined;
let acked = 0;
let ackedAt = 0;
let countedAt = 0;
let toldLossAt = -LOSSES_MS;
const look = (): Clocks => ({ wall: Date.now(), steady: steadyNow() });
let clocks = look();
let pumping: ReturnType<typeof setTimeout> | undefined;
let ticking: ReturnType<typeof setInterval> | undefined;
const uplink = new Uplink();
const downlink = new Downlink(play);
const outbox = new Outbox();
const heard = new Heard();
const silence = new Silence();
/** A response that was to be silenced while no gateway could hear it. */
let unwanted: string | undefined;

function play(message: ToPlayback): void {
  if (message.type === "audio") silence.came(message.pcm);
  playback?.postMessage(message, message.type === "audio" ? [message.pcm.buffer] : []);
  if (message.type === "flush") page.postMessage({ type: "flushed", at: Date.now() });
}

function happened(event: LinkEvent): void {
  const before = link;
  const step = stepLink(link, event, steadyNow(), Math.random());
  link = step.state;
  if (accepts(before.phase) && !accepts(link.phase)) uplink.close();
  // Who said goodbye, or was told goodbye, has said everything.
  if (link.phase === "ended" && before.phase !== "ended") forget();
  for (const effect of step.effects) perform(effect);
  // Who spoke or typed while the session of before a reload was looked for has asked for another.
  if (link.phase === "idle" && before.phase !== "idle" && (outbox.waiting.length > 0 || uplink.counts.waiting > 0)) {
    happened({ type: "start", resume: false });
    return;
  }
  if (visible(before) !== visible(link)) page.postMessage({ type: "link", state: link });
  clock();
}

/** What no session took is nobody's any more. */
function forget(): void {
  uplink.forget();
  unanswered(outbox.clear());
}

/** For what was typed somebody waits. */
function unanswered(ids: readonly string[]): void {
  if (ids.length > 0) page.postMessage({ type: "unanswered", ids });
}

/** Ticks run while there is a link to watch. */
function clock(): void {
  if (rests(link.phase)) {
    clearInterval(ticking);
    ticking = undefined;
  } else if (ticking === undefined) {
    clocks = look();
    ticking = setInterval(tick, TICK_MS);
  }
}

function tick(): void {
  const before = clocks;
  clocks = look();
  const now = clocks.steady;
  if (slept(before, clocks)) happened({ type: "woke" });
  happened({ type: "tick" });
  if (link.phase === "replaying") pump();
  if (accepts(link.phase) && downlink.offset > acked && now - ackedAt >= ACK_MS) {
    acked = downlink.offset;
    ackedAt = now;
    send({ type: "ack", offset: acked });
  }
  tellLosses(now);
  if (now - countedAt < COUNTS_MS) return;
  countedAt = now;
  tellWaiting();
}

function tellWaiting(): void {
  const { waiting, capacity } = uplink.counts;
  page.postMessage({ type: "waiting", ms: tenths(waiting), ringMs: tenths(capacity) });
}

/** At once when it begins, then once a second: a list of lost frames would help nobody. */
function tellLosses(now: number): void {
  if (now - toldLossAt < LOSSES_MS) return;
  const samples = uplink.takeLosses().reduce((sum, { from, to }) => sum + to - from, 0);
  if (samples === 0) return;
  toldLossAt = now;
  page.postMessage({ type: "overflowed", ms: (samples * 1000) / SAMPLE_RATE });
}

function perform(effect: LinkEffect): void {
  switch (effect.type) {
    case "admit":
      void door?.admit();
      return;
    case "open":
      return open(effect.ticket);
    case "create": {
      // Only the first session greets; one that repairs the link goes on listening.
      const greet = settings?.session.greet === true && link.sessions === 0;
      return send({ type: "create_session", framing: "positioned", ...settings?.session, greet });
    }
    case "resume":
      if (claim !== undefined) send({ type: "resume_session", ...claim, offset: downlink.offset });
      return;
    case "created":
      return created(effect.by);
    case "resumed":
      return resumed(effect.by);
    case "forget":
      return tellClaim(undefined);
    case "probe":
      void door?.probe();
      return;
    case "ping":
      return send({ type: "ping", at: Math.round(steadyNow()) });
    case "goodbye":
      return send({ type: "end_session" });
    case "close":
      drop(effect.code);
  }
}

function created(by: Extract<GatewayMessage, { type: "session_created" }>): void {
  const { sessionId, resumeToken, epoch = "", limits } = by;
  tellClaim(resumeToken === undefined ? undefined : { sessionId, resumeToken, epoch });
  uplink.keep(limits?.inputRingSeconds ?? 0);
  downlink.begin();
  heard.clear();
  unwanted = undefined;
  uplink.begin(isDurable(by));
  goOn();
}

function resumed(by: Extract<GatewayMessage, { type: "session_resumed" }>): void {
  if (claim === undefined) return;
  const isReload = claim.epoch === "";
  tellClaim({ ...claim, resumeToken: by.resumeToken, epoch: by.epoch });
  if (!by.recovered) {
    // The gateway has cut the answer where it was last known to be heard; what is queued of it would be news to it.
    downlink.cut();
    downlink.begin(by.offset);
  }
  if (isReload) uplink.adopt(by.received, isDurable(by));
  else uplink.resume(by.received, by.durable ?? 0);
  for (const command of heard.again()) send(command);
  if (unwanted !== undefined && unwanted === downlink.response) send({ type: "cancel_response" });
  unwanted = undefined;
  goOn();
}

/** A session listens (again). */
function goOn(): void {
  acked = downlink.offset;
  for (const command of outbox.waiting) send(command);
  tellTrouble();
  pump();
}

/** Once, when there is a session that it belongs to. */
function tellTrouble(): void {
  if (tell(trouble)) trouble = undefined;
}

function tellClaim(next: Claim | undefined): void {
  claim = next;
  page.postMessage({ type: "claim", claim });
}

function open(ticket: string | undefined): void {
  if (settings === undefined) return;
  const next = new WebSocket(settings.socketUrl, ticket === undefined ? PROTOCOL : [PROTOCOL, TICKET_PREFIX + ticket]);
  socket = next;
  next.binaryType = "arraybuffer";
  // A socket that was replaced says nothing any more.
  const mine = (): boolean => socket === next;
  next.onopen = () => mine() && happened({ type: "opened" });
  next.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => mine() && received(data);
  next.onclose = ({ code, reason }) => {
    if (!mine()) return;
    socket = undefined;
    happened({ type: "closed", code, reason });
  };
}

function drop(code: number): void {
  const old = socket;
  socket = undefined;
  old?.close(code);
}

function send(command: Command): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}

/** Say it to a session that listens; whether there is one. */
function tell(command: Command | undefined): boolean {
  if (command === undefined || !accepts(link.phase)) return false;
  send(command);
  return true;
}

function received(data: string | ArrayBuffer): void {
  if (typeof data !== "string") {
    happened({ type: downlink.binary(data) === "hole" ? "hole" : "heard" });
    return;
  }
  const { offset, message } = decodeText(data);
  // The answer to a resume stands outside of the order: its number says where the tail begins.
  const arrival = message?.type === "session_resumed" ? "new" : downlink.arrived(offset);
  if (arrival === "hole") happened({ type: "hole" });
  else if (arrival === "old" || message === undefined) happened({ type: "heard" });
  else heardMessage(message);
}

function heardMessage(message: GatewayMessage): void {
  // Playback first: after a barge-in every millisecond is heard.
  downlink.text(message);
  switch (message.type) {
    case "audio_received":
      uplink.acknowledged(message.received, message.durable ?? 0);
      break;
    case "speech_started":
    case "speech_stopped":
      silence.turn(message.type === "speech_stopped");
      break;
    case "audio_started":
      silence.began(message.itemId, steadyNow());
      break;
    case "audio_lost":
      if (message.direction === "input") uplink.told(message);
      break;
    case "accepted":
    case "error":
      outbox.confirmed(message.eventId);
      if (message.type === "error" && message.eventId !== undefined) unanswered([message.eventId]);
      break;
    default:
  }
  happened({ type: "message", message });
  if (concernsPage(message)) page.postMessage({ type: "message", message });
}

/** Send what waits: live frames at once, a backlog in larger pieces at a bounded pace. */
function pump(): void {
  if (pumping !== undefined || !accepts(link.phase)) return;
  while (socket !== undefined && socket.bufferedAmount < BUFFERED_BYTES_MAX) {
    const message = uplink.next(steadyNow());
    if (message === undefined) break;
    socket.send(message);
    happened({ type: "audio_sent" });
  }
  if (!uplink.behind) {
    if (link.phase === "replaying") happened({ type: "caught_up" });
    return;
  }
  pumping = setTimeout(() => {
    pumping = undefined;
    pump();
  }, CATCH_UP_MS);
}

function captured(samples: Int16Array): void {
  // Who talks again says so first: until then nobody is spoken to.
  if (link.phase === "ended") return;
  const now = steadyNow();
  uplink.capture(samples);
  silence.captured(samples, uplink.end, now);
  tellLosses(now);
  pump();
}

function attachCapture(port: MessagePort): void {
  port.onmessage = ({ data }: MessageEvent<FromCapture>) => {
    if (data === "ended") {
      if (!rests(link.phase)) captured(new Int16Array(TAIL_SAMPLES));
      return;
    }
    captured(new Int16Array(data.buffer, 0, data.samples));
    port.postMessage(data.buffer, [data.buffer]);
  };
}

function attachPlayback(port: MessagePort): void {
  playback = port;
  port.onmessage = ({ data }: MessageEvent<FromPlayback>) => {
    if (data.type === "played") {
      played = data;
      tellPlayed(data, latencyMs);
      tell(silence.played(data.itemId, data.played, steadyNow(), latencyMs));
      return;
    }
    page.postMessage({ type: "quiet", underruns: data.underruns });
    if (data.underruns > 0) tell({ type: "report", underruns: data.underruns });
    // What left the queue last sounds a little later: then the item has been heard to its end.
    const last = played;
    if (last !== undefined) setTimeout(() => last === played && report(last, 0), latencyMs);
  };
}

/** What has sounded of an item; `delayMs` of what was rendered is still on its way to the ear. */
function tellPlayed(item: NonNullable<typeof played>, delayMs: number): void {
  const { itemId, played, audible } = item;
  const reported = report(item, delayMs);
  const ofMs = Math.round((audible * 1000) / SAMPLE_RATE);
  // What is on its way to the ear cannot be cut any more.
  page.postMessage({ type: "playing", itemId, heardMs: played < audible ? reported : ofMs, ofMs });
}

function report({ itemId, played: samples }: NonNullable<typeof played>, delayMs: number): number {
  const ms = heard.report(itemId, samples, delayMs);
  tell({ type: "played", itemId, ms });
  return ms;
}

function hush(): void {
  if (accepts(link.phase) && downlink.response !== undefined) send({ type: "cancel_response" });
  else unwanted = downlink.response;
  downlink.cut();
}

function begin(by: Extract<ToWorker, { type: "start" }>): void {
  settings = by.settings;
  // What the door of a conversation before says late is not meant for this one.
  const mine: Door = new Door(settings, (event) => mine === door && happened(event));
  door = mine;
  // A reloaded page knows nothing of what it heard before: without an epoch it gets the whole as a snapshot.
  claim = by.claim === undefined ? claim : { ...by.claim, epoch: "" };
  happened({ type: "start", resume: by.claim !== undefined });
}

page.onmessage = ({ data }: MessageEvent<ToWorker>): void => {
  switch (data.type) {
    case "start":
      return begin(data);
    case "stop":
      happened({ type: "stop" });
      forget();
      play({ type: "flush" });
      return;
    case "renew":
      uplink.settle();
      happened({ type: "renew" });
      play({ type: "flush" });
      return;
    case "discard":
      forget();
      tellWaiting();
      return;
    case "capture":
      return attachCapture(data.port);
    case "playback":
      return attachPlayback(data.port);
    case "silence":
      return hush();
    case "text": {
      const command = outbox.give(data.id, data.text);
      if (command === undefined) unanswered([data.id]);
      tell(command);
      // It met the end on its way.
      if (link.phase === "ended") forget();
      return;
    }
    case "report":
      trouble = data;
      tellTrouble();
      return;
    case "latency":
      latencyMs = data.ms;
  }
};

addEventListener("online", () => happened({ type: "online" }));
