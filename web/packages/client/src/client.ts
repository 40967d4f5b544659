/**
 * A voice client: the verbs a page has, wired to worker, microphone, loudspeaker and store.
 *
 * What lives here: wiring and lifetimes. What never will: audio frames (they never touch this thread),
 * decisions about the link, words.
 */

import { startWorker, warmUp } from "./assets";
import { steadyNow } from "./clock";
import { Ears } from "./ears";
import { linkSettings, loadConfig, portalConfig, signInDemo } from "./gateway";
import { forgetKeepsake, keep, takeKeepsake } from "./keepsake";
import { accepts, rests } from "./link";
import type { Claim, PortalAccess, SessionWish } from "./protocol";
import { reduce } from "./reducer";
import { inCall, isMicOn } from "./selectors";
import { Speaker } from "./speaker";
import { initialState, type Action, type VoiceState } from "./state";
import { createStore, type Store } from "./store";
import type { FromWorker, ToWorker } from "./worker-messages";

export interface VoiceClientOptions {
  /** Where the gateway is; "" is the page's own origin. */
  readonly base?: string;
  /** For a page that another portal serves: who the customer is, and where tickets come from. */
  readonly portal?: PortalAccess;
  readonly session?: SessionWish;
  /** Echo cancelling and noise suppression by the browser; off for measurements. */
  readonly processing?: boolean;
  /** Called with the node that plays and with a microphone's, for another listener on the same samples. */
  readonly tap?: (node: AudioNode) => Promise<void> | void;
  /** Called when playback was told to fall silent (milliseconds of the wall clock). */
  readonly onFlushed?: (at: number) => void;
}

export type LevelSide = "user" | "assistant";
export type LevelListener = (side: LevelSide, peak: number) => void;

const TICK_MS = 1_000;

export class VoiceClient {
  readonly store: Store<VoiceState, Action>;
  readonly #options: VoiceClientOptions;
  readonly #levels = new Set<LevelListener>();
  #worker: Worker | undefined;
  readonly #ears: Ears;
  #speaker: Promise<Speaker> | undefined;
  #ticking: ReturnType<typeof setInterval> | undefined;
  /** Names typed sentences apart, also from those of another window in the same session. */
  #typed = Date.now();
  #claim: Claim | undefined;
  #loading: Promise<void> | undefined;
  #isGone = false;

  constructor(options: VoiceClientOptions = {}) {
    this.#options = options;
    this.store = createStore(reduce, initialState(steadyNow()));
    this.#ears = new Ears({
      store: this.store,
      processing: options.processing ?? true,
      tap: options.tap,
      tell: (message, transfer) => this.#tell(message, transfer),
      onLevel: (peak) => this.#emitLevel("user", peak),
    });
  }

  /**
   * Fetch the configuration, and go on with the conversation that this tab had before it was reloaded. The
   * microphone stays off then: a person switches it on. Failing is a state, not an exception.
   */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      const { portal } = this.#options;
      const config = portal ? portalConfig(portal) : await loadConfig(this.#base);
      if (this.#isGone) return;
      this.#do({ type: "configured", config });
      this.#wake();
      void warmUp();
      const claim = inCall(this.state) ? undefined : await takeKeepsake(config.customer.id);
      if (claim !== undefined && !this.#isGone && !inCall(this.state)) this.#start(claim);
    } catch (cause) {
      this.#do({ type: "config_failed", reason: reasonOf(cause) });
    }
  }

  /** Begin to talk. The microphone records at once; the session catches up. Call it inside a click. */
  async talk(): Promise<void> {
    this.#openSpeaker();
    await Promise.all([this.#begin(), this.openMic()]);
  }

  /** Begin a conversation without a microphone. Call it inside a click. */
  type(text: string): void {
    this.#openSpeaker();
    void this.#begin();
    this.#typed += 1;
    const id = String(this.#typed);
    this.#do({ type: "typed", id, text, at: Date.now() });
    this.#tell({ type: "text", id, text });
  }

  /** Say goodbye: the session ends, the microphone is closed. */
  end(): void {
    this.closeMic();
    this.#tell({ type: "stop" });
  }

  /** A new session now, without an end of the talk: before the old one reaches its time limit. */
  renew(): void {
    this.#tell({ type: "renew" });
  }

  /** Throw away what was recorded and could not be sent. */
  discard(): void {
    this.#tell({ type: "discard" });
  }

  async openMic(deviceId?: string): Promise<void> {
    this.#openSpeaker();
    await this.#ears.open(deviceId);
  }

  /** The one that is opened next. */
  chooseMic(deviceId: string): void {
    this.#do({ type: "mic", phase: this.state.mic.phase, deviceId });
  }

  closeMic(): void {
    this.#ears.close();
  }

  mute(muted: boolean): void {
    this.#ears.mute(muted);
  }

  /** Switch hold-to-talk on or off; in it the microphone hears while `hold(true)`. */
  holdToTalk(on: boolean): void {
    this.#do({ type: "hold_to_talk", on });
    this.mute(on);
  }

  hold(held: boolean): void {
    if (held) this.silence();
    this.mute(!held);
  }

  /** Stop the assistant's voice now. */
  silence(): void {
    const { speaker, turn } = this.state;
    if (speaker.phase !== "playing" && turn.response === undefined) return;
    this.#tell({ type: "silence" });
    this.#do({ type: "silenced", at: Date.now() });
  }

  /** After a browser wanted a tap first: let the sound out. */
  async unlockSpeaker(): Promise<void> {
    if (this.#speaker === undefined) this.#openSpeaker();
    const opening = this.#speaker;
    const speaker = await opening?.catch(() => undefined);
    if (speaker !== undefined) this.#sounds(opening, await speaker.unlock());
  }

  async switchCustomer(customerId: string): Promise<void> {
    let talking = inCall(this.state);
    let listening = isMicOn(this.state.mic);
    this.end();
    await this.#ended();
    // Another customer must not read what this one said.
    this.#do({ type: "forgotten" });
    try {
      await signInDemo(this.#base, customerId);
    } catch (cause) {
      // The one of before did not ask for another conversation.
      talking = listening = false;
      const message = `The customer could not be changed: ${reasonOf(cause)}`;
      this.#do({ type: "message", message: { type: "error", code: "SIGN_IN_FAILED", message }, at: Date.now() });
    }
    await this.load();
    if (this.#isGone) return;
    if (talking) await this.#begin();
    if (listening) await this.openMic();
  }

  closeForm(): void {
    this.#do({ type: "form_closed" });
  }

  dismiss(code: string): void {
    this.#do({ type: "dismissed", code });
  }

  /** Levels, about twenty a second, outside of the state: a meter must not render a page. */
  onLevel(listener: LevelListener): () => void {
    this.#levels.add(listener);
    return () => this.#levels.delete(listener);
  }

  get state(): VoiceState {
    return this.store.getState();
  }

  /** Give back everything. The client cannot be used again. */
  dispose(): void {
    this.#isGone = true;
    this.#ears.dispose();
    this.#worker?.terminate();
    this.#stop();
  }

  /** Without a worker nothing is heard, and nothing is to be watched. */
  #stop(): void {
    this.#worker = undefined;
    void this.#speaker?.then((speaker) => speaker.close()).catch(() => undefined);
    this.#speaker = undefined;
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  get #base(): string {
    return this.#options.base ?? "";
  }

  /** Who clicks before the configuration has come is recorded all the same; the session follows. */
  async #begin(): Promise<void> {
    if (this.state.config === undefined) await this.load();
    const { config } = this.state;
    if (config === undefined) this.closeMic();
    if (config !== undefined && !inCall(this.state)) this.#start();
  }

  #start(claim?: Claim): void {
    const { config } = this.state;
    if (config === undefined) return;
    this.#do({ type: "started", at: steadyNow() });
    const { portal, session } = this.#options;
    const settings = linkSettings(this.#base, config, { greet: true, ...session, customerId: config.customer.id }, portal);
    this.#tell({ type: "start", settings, claim });
    this.#ticking ??= setInterval(() => this.#tick(), TICK_MS);
  }

  /** Until the worker has said goodbye, so that its last word cannot hang up the next conversation. */
  #ended(): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(late);
        leave();
        resolve();
      };
      const look = (): void => {
        if (!inCall(this.state)) over();
      };
      const leave = this.store.subscribe(look);
      const late = setTimeout(over, TICK_MS);
      look();
    });
  }

  #openSpeaker(): void {
    if (this.#speaker !== undefined) {
      void this.unlockSpeaker();
      return;
    }
    const channel = new MessageChannel();
    this.#tell({ type: "playback", port: channel.port1 }, [channel.port1]);
    const opening: Promise<Speaker> = Speaker.open({
      port: channel.port2,
      tap: this.#options.tap,
      onLevel: (peak) => this.#emitLevel("assistant", peak),
      onState: (sounds) => this.#sounds(opening, sounds),
    });
    this.#speaker = opening;
    opening.catch(() => {
      this.#sounds(opening, false);
      // The script did not come, or there is no loudspeaker: the next tap tries again.
      if (this.#speaker === opening) this.#speaker = undefined;
    });
  }

  /** One that was left says nothing of the one that came after it. */
  #sounds(opening: Promise<Speaker> | undefined, sounds: boolean): void {
    if (this.#speaker === opening) this.#do({ type: "speaker", phase: sounds ? "ready" : "locked" });
  }

  #tell(message: ToWorker, transfer: Transferable[] = []): void {
    this.#wake().postMessage(message, transfer);
  }

  #wake(): Worker {
    if (this.#worker === undefined) {
      this.#worker = startWorker();
      this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#told(data);
      this.#worker.onerror = (event) => event instanceof ErrorEvent || this.#unloaded();
    }
    return this.#worker;
  }

  /** The worker's script could not be loaded: nobody would ever answer. The next click tries again. */
  #unloaded(): void {
    this.#stop();
    // What it was given of the microphone went with it.
    if (isMicOn(this.state.mic)) this.closeMic();
    if (!inCall(this.state)) return;
    this.#do({ type: "link", link: { ...this.state.link, phase: "failed", reason: "RECONNECT_FAILED" }, at: Date.now() });
    forgetKeepsake();
  }

  #told(message: FromWorker): void {
    const at = Date.now();
    switch (message.type) {
      case "link":
        this.#do({ type: "link", link: message.state, at });
        if (rests(message.state.phase)) this.#hangUp();
        return;
      case "waiting":
      case "unanswered":
        this.#do(message);
        return;
      case "message":
      case "overflowed":
      case "playing":
      case "quiet":
        this.#do({ ...message, at });
        return;
      case "claim":
        this.#claim = message.claim;
        this.#keep();
        return;
      case "flushed":
        this.#options.onFlushed?.(message.at);
    }
  }

  /** For a reload, from now on: a session that lives is kept a while longer. */
  #keep(): void {
    const { config, link } = this.state;
    if (this.#claim === undefined || config === undefined) forgetKeepsake();
    else keep({ claim: this.#claim, customerId: config.customer.id, at: Date.now(), windowMs: link.windowMs });
  }

  /** The conversation is over: the recording light must not stay on. */
  #hangUp(): void {
    forgetKeepsake();
    this.#rest();
    if (isMicOn(this.state.mic)) this.closeMic();
  }

  #tick(): void {
    this.#do({ type: "tick", at: Date.now() });
    this.#ears.tick();
    if (accepts(this.state.link.phase)) this.#keep();
    void this.#speaker?.then((speaker) => this.#tell({ type: "latency", ms: speaker.latencyMs })).catch(() => undefined);
  }

  #emitLevel(side: LevelSide, peak: number): void {
    for (const listener of this.#levels) listener(side, peak);
  }

  #do(action: Action): void {
    this.store.dispatch(action);
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

export function createVoiceClient(options: VoiceClientOptions = {}): VoiceClient {
  return new VoiceClient(options);
}
