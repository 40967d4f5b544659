/**
 * A voice client: the verbs a page has, wired to worker, microphone, loudspeaker and store.
 *
 * What lives here: wiring and lifetimes. What never will: audio frames (they never touch this thread),
 * decisions about the link, words.
 */

import { startWorker } from "./assets";
import { linkSettings, loadConfig, signInDemo } from "./gateway";
import { MicError, openMicrophone, type Microphone } from "./microphone";
import { SAMPLE_RATE, type SessionWish } from "./protocol";
import { reduce } from "./reducer";
import { inCall } from "./selectors";
import { Speaker } from "./speaker";
import { initialState, type Action, type VoiceState } from "./state";
import { createStore, type Store } from "./store";
import type { FromWorker, ToWorker } from "./worker-messages";

export interface VoiceClientOptions {
  /** Where the gateway is; "" is the page's own origin. */
  readonly base?: string;
  readonly session?: SessionWish;
  /** Echo cancelling and noise suppression by the browser; off for measurements. */
  readonly processing?: boolean;
  /** Called with the node that plays, for another listener on the same samples. */
  readonly tap?: (node: AudioNode) => Promise<void> | void;
  /** Called when playback was told to fall silent (milliseconds of the wall clock). */
  readonly onFlushed?: (at: number) => void;
}

export type LevelSide = "user" | "assistant";
export type LevelListener = (side: LevelSide, peak: number) => void;

/** Below this a microphone gives nothing but its own zero. */
const SILENCE_PEAK = 0.0005;
const SILENCE_MS = 8_000;
const TICK_MS = 1_000;

export class VoiceClient {
  readonly store: Store<VoiceState, Action>;
  readonly #options: VoiceClientOptions;
  readonly #levels = new Set<LevelListener>();
  #worker: Worker | undefined;
  #speaker: Promise<Speaker> | undefined;
  #mic: Microphone | undefined;
  /** Grows with each opening; an opening that was overtaken closes itself. */
  #micTurn = 0;
  #heardAt = 0;
  #everHeard = false;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #typed = 0;
  #loading: Promise<void> | undefined;
  readonly #onDevices = (): void => void this.#devicesChanged();

  constructor(options: VoiceClientOptions = {}) {
    this.#options = options;
    this.store = createStore(reduce, initialState(performance.now()));
    navigator.mediaDevices?.addEventListener("devicechange", this.#onDevices);
  }

  /** Fetch the configuration. Failing is a state, not an exception. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    try {
      const config = await loadConfig(this.#base);
      this.#do({ type: "configured", config });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#do({ type: "config_failed", reason });
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
    this.#do({ type: "typed", id: String(this.#typed), text, at: Date.now() });
    this.#tell({ type: "command", command: { type: "input_text", text } });
  }

  /** Say goodbye: the session ends, the microphone is closed. */
  end(): void {
    this.closeMic();
    this.#tell({ type: "stop" });
  }

  async openMic(deviceId: string | undefined = this.state.mic.deviceId): Promise<void> {
    this.#micTurn += 1;
    const turn = this.#micTurn;
    this.#mic?.close();
    this.#mic = undefined;
    this.#do({ type: "mic", phase: "asking" });
    const channel = new MessageChannel();
    this.#tell({ type: "capture", port: channel.port1 }, [channel.port1]);
    try {
      const mic = await openMicrophone({
        deviceId,
        processing: this.#options.processing ?? true,
        muted: this.state.mic.holdToTalk,
        port: channel.port2,
        onOpening: () => turn === this.#micTurn && this.#do({ type: "mic", phase: "opening" }),
        onLevel: (peak) => this.#heardLevel(peak),
        onLost: () => turn === this.#micTurn && this.#micLost(),
      });
      if (turn !== this.#micTurn) {
        mic.close();
        return;
      }
      this.#mic = mic;
      this.#heardAt = performance.now();
      this.#everHeard = false;
      const phase = this.state.mic.holdToTalk ? "muted" : "live";
      this.#do({ type: "mic", phase, ...(mic.deviceId === undefined ? {} : { deviceId: mic.deviceId }) });
      await this.#listDevices();
    } catch (cause) {
      if (turn !== this.#micTurn) return;
      const fault = cause instanceof MicError ? cause.fault : "busy";
      this.#do({ type: "mic", phase: fault });
      if (fault === "denied") void this.#waitForPermission(turn);
    }
  }

  closeMic(): void {
    this.#micTurn += 1;
    if (this.#mic !== undefined) this.#tell({ type: "capture_ended" });
    this.#mic?.close();
    this.#mic = undefined;
    this.#do({ type: "mic", phase: "off" });
    this.#emitLevel("user", 0);
  }

  mute(muted: boolean): void {
    if (this.#mic === undefined) return;
    this.#mic.mute(muted);
    this.#heardAt = performance.now();
    this.#do({ type: "mic", phase: muted ? "muted" : "live" });
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
    const speaker = await this.#speaker;
    if (speaker !== undefined) this.#do({ type: "speaker", phase: (await speaker.unlock()) ? "ready" : "locked" });
  }

  async switchCustomer(customerId: string): Promise<void> {
    const { config } = this.state;
    if (config === undefined) return;
    const talking = inCall(this.state);
    const listening = this.#mic !== undefined;
    this.end();
    await this.#ended();
    // Another customer must not read what this one said.
    this.#do({ type: "forgotten" });
    try {
      await signInDemo(this.#base, config, customerId);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#do({ type: "config_failed", reason });
    }
    await this.load();
    if (talking) await this.#begin();
    if (listening) await this.openMic();
  }

  closeForm(): void {
    this.#do({ type: "form_closed" });
  }

  dismiss(code: string): void {
    this.#do({ type: "dismissed", code });
  }

  /** Levels, about thirty a second, outside of the state: a meter must not render a page. */
  onLevel(listener: LevelListener): () => void {
    this.#levels.add(listener);
    return () => this.#levels.delete(listener);
  }

  get state(): VoiceState {
    return this.store.getState();
  }

  /** Give back everything. The client cannot be used again. */
  dispose(): void {
    this.closeMic();
    clearInterval(this.#ticking);
    this.#worker?.terminate();
    this.#worker = undefined;
    navigator.mediaDevices?.removeEventListener("devicechange", this.#onDevices);
  }

  get #base(): string {
    return this.#options.base ?? "";
  }

  /** Who clicks before the configuration has come is recorded all the same; the session follows. */
  async #begin(): Promise<void> {
    if (this.state.config === undefined) await this.load();
    const { config } = this.state;
    if (config === undefined) this.closeMic();
    if (config === undefined || inCall(this.state)) return;
    this.#do({ type: "started", at: performance.now() });
    const session = { greet: true, ...this.#options.session };
    this.#tell({ type: "start", settings: linkSettings(this.#base, config, session) });
    this.#ticking ??= setInterval(() => this.#tick(), TICK_MS);
  }

  /** Until the worker has said goodbye, so that its last word cannot hang up the next conversation. */
  #ended(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        if (inCall(this.state)) return;
        clearTimeout(late);
        leave();
        resolve();
      };
      const leave = this.store.subscribe(done);
      const late = setTimeout(() => {
        leave();
        resolve();
      }, TICK_MS);
      done();
    });
  }

  #openSpeaker(): void {
    if (this.#speaker !== undefined) {
      void this.unlockSpeaker();
      return;
    }
    const channel = new MessageChannel();
    this.#tell({ type: "playback", port: channel.port1 }, [channel.port1]);
    this.#speaker = Speaker.open({
      port: channel.port2,
      tap: this.#options.tap,
      onLevel: (peak) => this.#emitLevel("assistant", peak),
      onState: (sounds) => this.#do({ type: "speaker", phase: sounds ? "ready" : "locked" }),
    });
    this.#speaker.catch(() => this.#do({ type: "speaker", phase: "locked" }));
  }

  #tell(message: ToWorker, transfer: Transferable[] = []): void {
    if (this.#worker === undefined) {
      this.#worker = startWorker();
      this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#told(data);
    }
    this.#worker.postMessage(message, transfer);
  }

  #told(message: FromWorker): void {
    const at = Date.now();
    switch (message.type) {
      case "link":
        this.#do({ type: "link", link: message.state, at });
        if (message.state.phase === "failed" || message.state.phase === "ended") this.#hangUp();
        return;
      case "message":
        this.#do({ type: "message", message: message.message, at });
        return;
      case "uplink":
        // Whole tenths: a figure that changes with every frame would render the page with every frame.
        this.#do({ type: "waiting", ms: Math.round((message.counts.waiting * 10) / SAMPLE_RATE) * 100 });
        return;
      case "lost":
        this.#do({ type: "overflowed", ms: ((message.to - message.from) * 1000) / SAMPLE_RATE, at });
        return;
      case "flushed":
        this.#options.onFlushed?.(message.at);
        return;
      case "playing":
        this.#do({ type: "playing", itemId: message.itemId, heardMs: message.playedMs, ofMs: message.receivedMs, at });
        return;
      case "quiet":
        this.#do({ type: "quiet", underruns: message.underruns, at });
    }
  }

  /** The conversation is over: the recording light must not stay on. */
  #hangUp(): void {
    if (this.#mic !== undefined || this.state.mic.phase === "asking") this.closeMic();
  }

  #tick(): void {
    this.#do({ type: "tick", at: Date.now() });
    const { mic } = this.state;
    const silent = mic.phase === "live" && !this.#everHeard && performance.now() - this.#heardAt > SILENCE_MS;
    if (silent !== mic.silent) this.#do({ type: "mic_silent", silent });
    void this.#speaker?.then((speaker) => this.#tell({ type: "latency", ms: speaker.latencyMs })).catch(() => undefined);
  }

  #heardLevel(peak: number): void {
    if (peak > SILENCE_PEAK) this.#everHeard = true;
    this.#emitLevel("user", peak);
  }

  #emitLevel(side: LevelSide, peak: number): void {
    for (const listener of this.#levels) listener(side, peak);
  }

  #micLost(): void {
    this.#micTurn += 1;
    this.#tell({ type: "capture_ended" });
    this.#mic?.close();
    this.#mic = undefined;
    this.#do({ type: "mic", phase: "lost" });
    this.#emitLevel("user", 0);
  }

  async #devicesChanged(): Promise<void> {
    await this.#listDevices();
    const { mic, devices } = this.state;
    const wanting = mic.phase === "lost" || mic.phase === "missing";
    // A device came (back): go on with the default one, nobody has to click.
    if (wanting && devices.length > 0 && inCall(this.state)) {
      await this.openMic(devices.some(({ id }) => id === mic.deviceId) ? mic.deviceId : devices[0]?.id);
    }
  }

  async #listDevices(): Promise<void> {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const inputs = all.filter((device) => device.kind === "audioinput" && device.deviceId !== "");
    this.#do({ type: "devices", devices: inputs.map(({ deviceId, label }) => ({ id: deviceId, label })) });
  }

  /** A blocked microphone that is allowed in the browser's settings works again without a reload. */
  async #waitForPermission(turn: number): Promise<void> {
    try {
      // Not every TypeScript library and not every browser knows this name; those that do not, reject.
      const status = await navigator.permissions.query({ name: "microphone" as PermissionName });
      status.onchange = () => {
        if (status.state !== "denied" && turn === this.#micTurn && inCall(this.state)) void this.openMic();
      };
    } catch {
      return;
    }
  }

  #do(action: Action): void {
    this.store.dispatch(action);
  }
}

export function createVoiceClient(options: VoiceClientOptions = {}): VoiceClient {
  return new VoiceClient(options);
}
