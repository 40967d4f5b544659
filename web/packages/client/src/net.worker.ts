/**
 * The network worker: owns the socket, the ring and the clock of the link. A frozen page stops nothing here.
 *
 * What lives here: carrying out what `connection.ts` decides; moving frames between ports and the socket.
 * What never will: decisions about the link (`connection.ts`), about audio (`uplink.ts`, `downlink.ts`).
 */

import { accepts, initialLink, stepLink, type LinkEffect, type LinkEvent } from "./connection";
import { Downlink } from "./downlink";
import { PROTOCOL, SAMPLE_RATE, TICKET_PREFIX, decodeMessage, type Command, type PageConfig } from "./protocol";
import { Uplink } from "./uplink";
import type { CapturedFrame, FromPlayback, FromWorker, LinkSettings, ToPlayback, ToWorker } from "./worker-messages";

const TICK_MS = 50;
const ACK_MS = 2_000;
const COUNTS_MS = 250;
const FETCH_MS = 5_000;
/** Catching up: at most this much in the socket, and 100 ms of speech each 12.5 ms (eight times real time). */
const BUFFERED_BYTES_MAX = 256 * 1024;
const CATCH_UP_MS = 12.5;
/** A microphone that is switched off is followed by this much silence, so that the turn can end. */
const TAIL_SAMPLES = SAMPLE_RATE;
const CLOSED_BY_ERROR = 1006;

const page = self as unknown as { postMessage(message: FromWorker): void; onmessage: unknown };

let settings: LinkSettings | undefined;
let csrfToken = "";
let link = initialLink(performance.now());
let socket: WebSocket | undefined;
let playback: MessagePort | undefined;
let latencyMs = 0;
type Heard = Extract<FromPlayback, { type: "played" }>;
let heard: Heard | undefined;
let acked = 0;
let ackedAt = 0;
let countedAt = 0;
let pumping: ReturnType<typeof setTimeout> | undefined;
let ticking: ReturnType<typeof setInterval> | undefined;
const uplink = new Uplink();
const downlink = new Downlink(play);
/** Commands that came while no session could take them; a person's words are not dropped. */
const pending: Command[] = [];
const PENDING_MAX = 32;

function play(message: ToPlayback): void {
  playback?.postMessage(message, message.type === "audio" ? [message.pcm.buffer] : []);
  if (message.type === "flush") page.postMessage({ type: "flushed", at: Date.now() });
}

function happened(event: LinkEvent): void {
  const before = link;
  const step = stepLink(link, event, performance.now(), Math.random());
  link = step.state;
  for (const effect of step.effects) perform(effect);
  if (accepts(before.phase) && !accepts(link.phase)) uplink.close();
  if (visible(before) !== visible(link)) page.postMessage({ type: "link", state: link });
  clock();
}

/** What of the link the page shows; times of heartbeats are not among it. */
function visible(state: typeof link): string {
  return [state.phase, state.lostAt, state.sessions, state.reason, state.status, state.retryAt].join();
}

/** Ticks run while there is a link to watch. */
function clock(): void {
  const idle = link.phase === "idle" || link.phase === "ended" || link.phase === "failed";
  if (idle && ticking !== undefined) {
    clearInterval(ticking);
    ticking = undefined;
  } else if (!idle && ticking === undefined) {
    ticking = setInterval(tick, TICK_MS);
  }
}

function tick(): void {
  const now = performance.now();
  happened({ type: "tick" });
  if (accepts(link.phase) && downlink.offset > acked && now - ackedAt >= ACK_MS) {
    acked = downlink.offset;
    ackedAt = now;
    send({ type: "ack", offset: acked });
  }
  tellCounts(now);
}

function tellCounts(now: number): void {
  if (now - countedAt < COUNTS_MS) return;
  countedAt = now;
  page.postMessage({ type: "uplink", counts: uplink.counts });
}

function perform(effect: LinkEffect): void {
  switch (effect.type) {
    case "admit":
      void admit();
      return;
    case "open":
      open(effect.ticket);
      return;
    case "create":
      // Only the first session greets; one that repairs the link goes on listening.
      if (settings !== undefined) {
        const { session } = settings;
        const greet = session.greet === true && link.sessions === 0;
        send({ type: "create_session", framing: "positioned", ...session, greet });
      }
      return;
    case "accepted":
      downlink.begin();
      acked = 0;
      uplink.open();
      for (const command of pending.splice(0)) send(command);
      pump();
      return;
    case "probe":
      void probe();
      return;
    case "ping":
      send({ type: "ping", at: Math.round(performance.now()) });
      return;
    case "goodbye":
      send({ type: "end_session" });
      return;
    case "close":
      drop(effect.code);
  }
}

async function admit(): Promise<void> {
  if (settings === undefined) return;
  try {
    if (csrfToken === "") csrfToken = await freshToken(settings);
    let response = await askTicket(settings);
    if (response.status === 403) {
      // The gateway may have restarted since the page was loaded, with another token.
      csrfToken = await freshToken(settings);
      response = await askTicket(settings);
    }
    if (response.ok) {
      const { ticket } = (await response.json()) as { ticket: string };
      happened({ type: "admitted", ticket });
    } else if (!settings.ticketRequired && (response.status === 404 || response.status === 501)) {
      happened({ type: "admitted", ticket: undefined });
    } else {
      happened({ type: "refused", status: response.status });
    }
  } catch {
    happened({ type: "unreachable" });
  }
}

function askTicket({ ticketUrl }: LinkSettings): Promise<Response> {
  return fetch(ticketUrl, {
    method: "POST",
    headers: { "X-CSRF-Token": csrfToken },
    signal: AbortSignal.timeout(FETCH_MS),
  });
}

async function freshToken({ configUrl }: LinkSettings): Promise<string> {
  const response = await fetch(configUrl, { signal: AbortSignal.timeout(FETCH_MS), cache: "no-store" });
  return ((await response.json()) as PageConfig).csrfToken;
}

async function probe(): Promise<void> {
  if (settings === undefined) return;
  let ok = false;
  try {
    // fetch and not WebSocket: browsers slow down repeated WebSocket attempts.
    ok = (await fetch(settings.probeUrl, { signal: AbortSignal.timeout(2_000), cache: "no-store" })).ok;
  } catch {
    ok = false;
  }
  happened({ type: "probed", ok });
}

function open(ticket: string | undefined): void {
  if (settings === undefined) return;
  const protocols = ticket === undefined ? [PROTOCOL] : [PROTOCOL, TICKET_PREFIX + ticket];
  const dialled = new WebSocket(settings.socketUrl, protocols);
  socket = dialled;
  dialled.binaryType = "arraybuffer";
  // A socket that was replaced says nothing any more.
  const mine = (): boolean => socket === dialled;
  dialled.onopen = () => mine() && happened({ type: "opened" });
  dialled.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => mine() && received(data);
  dialled.onclose = ({ code, reason }) => {
    if (!mine()) return;
    socket = undefined;
    happened({ type: "closed", code: code === 0 ? CLOSED_BY_ERROR : code, reason });
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

function received(data: string | ArrayBuffer): void {
  if (typeof data !== "string") {
    happened({ type: "binary" });
    downlink.binary(data);
    return;
  }
  const message = decodeMessage(data);
  if (message === undefined) {
    happened({ type: "binary" });
    return;
  }
  // Playback first: after a barge-in every millisecond is heard.
  const fresh = message.type === "session_created" || downlink.text(message);
  if (message.type === "audio_received") uplink.received(message.received);
  happened({ type: "message", message });
  if (fresh && message.type !== "audio_received" && message.type !== "pong") {
    page.postMessage({ type: "message", message });
  }
}

/** Send what waits: live frames at once, a backlog in larger pieces at a bounded pace. */
function pump(): void {
  if (pumping !== undefined || !accepts(link.phase)) return;
  while (socket !== undefined && socket.bufferedAmount < BUFFERED_BYTES_MAX) {
    const { behind } = uplink;
    const message = uplink.next();
    if (message === undefined) return;
    socket.send(message);
    happened({ type: "audio_sent" });
    if (behind) break;
  }
  pumping = setTimeout(() => {
    pumping = undefined;
    pump();
  }, CATCH_UP_MS);
}

function captured(samples: Int16Array): void {
  const lost = uplink.capture(samples);
  if (lost !== undefined) page.postMessage({ type: "lost", ...lost });
  pump();
}

function attachCapture(port: MessagePort): void {
  port.onmessage = ({ data }: MessageEvent<CapturedFrame>) => {
    captured(new Int16Array(data.buffer, 0, data.samples));
    port.postMessage(data.buffer, [data.buffer]);
  };
}

function attachPlayback(port: MessagePort): void {
  playback = port;
  port.onmessage = ({ data }: MessageEvent<FromPlayback>) => {
    if (data.type === "played") {
      heard = data;
      tellHeard(data, latencyMs);
      return;
    }
    page.postMessage({ type: "quiet", underruns: data.underruns });
    // What left the queue last sounds a little later: then the item has been heard to its end.
    const last = heard;
    if (last !== undefined) setTimeout(() => last === heard && sendPlayed(last, 0), latencyMs);
  };
}

/** What has sounded of an item; `delayMs` of what was rendered is still on its way to the ear. */
function tellHeard(item: Heard, delayMs: number): void {
  const playedMs = sendPlayed(item, delayMs);
  const receivedMs = Math.round((item.received * 1000) / SAMPLE_RATE);
  page.postMessage({ type: "playing", itemId: item.itemId, playedMs, receivedMs });
}

function sendPlayed({ itemId, played }: Heard, delayMs: number): number {
  const ms = Math.max(0, Math.round((played * 1000) / SAMPLE_RATE - delayMs));
  if (accepts(link.phase)) send({ type: "played", itemId, ms });
  return ms;
}

function commanded(command: Command): void {
  if (accepts(link.phase)) send(command);
  else if (command.type === "input_text" && pending.length < PENDING_MAX) pending.push(command);
}

page.onmessage = ({ data }: MessageEvent<ToWorker>): void => {
  switch (data.type) {
    case "start":
      settings = data.settings;
      csrfToken = data.settings.csrfToken;
      if (link.phase === "ended" || link.phase === "failed") link = initialLink(performance.now());
      happened({ type: "start" });
      return;
    case "stop":
      happened({ type: "stop" });
      pending.length = 0;
      uplink.forget();
      play({ type: "flush" });
      return;
    case "capture":
      attachCapture(data.port);
      return;
    case "playback":
      attachPlayback(data.port);
      return;
    case "capture_ended":
      captured(new Int16Array(TAIL_SAMPLES));
      return;
    case "silence":
      if (downlink.answering) commanded({ type: "cancel_response" });
      downlink.cut();
      return;
    case "command":
      commanded(data.command);
      return;
    case "latency":
      latencyMs = data.ms;
  }
};
