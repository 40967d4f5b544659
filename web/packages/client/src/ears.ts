/**
 * The microphone of a client over time: opened, muted, lost, found again.
 *
 * What lives here: which device, when it is opened anew, whether it gives anything but silence. What never will:
 * the audio graph (`microphone.ts`), samples, the link.
 */

import { MicError, openMicrophone, type MicFault, type Microphone } from "./microphone";
import { inCall } from "./selectors";
import type { Action, MicPhase, VoiceState } from "./state";
import type { Store } from "./store";
import type { ToWorker } from "./worker-messages";

/** Below this a microphone gives nothing but its own zero. */
const SILENCE_PEAK = 0.0005;
/** So many looks, one a second: a clock goes on while the computer sleeps. */
const SILENT_LOOKS = 8;
/** A script that could not be loaded is tried again after this. */
const RETRY_MS = 1_000;

export interface EarsOptions {
  readonly store: Store<VoiceState, Action>;
  readonly processing: boolean;
  readonly tap: ((node: AudioNode) => Promise<void> | void) | undefined;
  tell(message: ToWorker, transfer?: Transferable[]): void;
  onLevel(peak: number): void;
}

export class Ears {
  readonly #options: EarsOptions;
  #mic: Microphone | undefined;
  /** Of the newest opening; one that was overtaken closes itself. */
  #turn = new AbortController();
  /** Looks since it was opened; once it has given a sound, since it gave anything at all. */
  #looks = 0;
  #everHeard = false;
  /** By a person, of whichever microphone, until it is switched off. */
  #isMuted = false;
  readonly #onDevices = (): void => void this.#devicesChanged();

  constructor(options: EarsOptions) {
    this.#options = options;
    navigator.mediaDevices?.addEventListener("devicechange", this.#onDevices);
  }

  async open(deviceId: string | undefined = this.#state.mic.deviceId): Promise<void> {
    // Whoever held the button holds it no more: it went with the microphone of before.
    this.#isMuted ||= this.#state.mic.holdToTalk;
    this.#leave(false);
    const gone = this.#turn.signal;
    this.#do({ type: "mic", phase: "asking" });
    const channel = new MessageChannel();
    this.#options.tell({ type: "capture", port: channel.port1 }, [channel.port1]);
    try {
      const mic = await openMicrophone({
        ...this.#options,
        deviceId,
        muted: this.#isMuted,
        gone,
        port: channel.port2,
        onOpening: () => gone.aborted || this.#do({ type: "mic", phase: "opening" }),
        onLevel: (peak) => this.#heard(peak),
        onLost: () => void this.#lost(),
      });
      if (gone.aborted) {
        mic.close(false);
        return;
      }
      this.#mic = mic;
      this.#everHeard = false;
      // Somebody may have pressed the button meanwhile.
      this.mute(this.#isMuted);
      await this.#listDevices();
    } catch (cause) {
      if (!gone.aborted) void this.#failed(cause instanceof MicError ? cause.fault : "busy", gone);
    }
  }

  close(): void {
    this.#isMuted = false;
    this.#end("off");
  }

  mute(muted: boolean): void {
    this.#isMuted = muted;
    const mic = this.#mic;
    if (mic === undefined) return;
    mic.mute(muted);
    this.#looks = 0;
    this.#do({ type: "mic", phase: muted ? "muted" : "live", ...(mic.deviceId && { deviceId: mic.deviceId }) });
  }

  /** Once a second: a microphone that gives nothing at all is switched off in hardware, or was suspended under us. */
  tick(): void {
    const { mic } = this.#state;
    this.#looks += 1;
    const silent = mic.phase === "live" && this.#looks > SILENT_LOOKS;
    if (silent === mic.silent) return;
    this.#do({ type: "mic_silent", silent });
    if (silent) this.#report("silent");
  }

  dispose(): void {
    this.close();
    navigator.mediaDevices?.removeEventListener("devicechange", this.#onDevices);
  }

  get #state(): VoiceState {
    return this.#options.store.getState();
  }

  /** `forGood`: no other microphone goes on from here. */
  #leave(forGood: boolean): void {
    this.#mic?.close(forGood);
    this.#mic = undefined;
    this.#turn.abort();
    this.#turn = new AbortController();
  }

  #end(phase: MicPhase): void {
    this.#leave(true);
    this.#do({ type: "mic", phase });
    this.#options.onLevel(0);
  }

  /** The device went away under us, or the permission was withdrawn. */
  async #lost(): Promise<void> {
    this.#end("lost");
    const gone = this.#turn.signal;
    const fault = (await permission())?.state === "denied" ? "denied" : "lost";
    // Another one may hear already. That this one was lost is told all the same.
    if (gone.aborted) this.#report(fault);
    else await this.#failed(fault, gone);
  }

  async #failed(fault: MicFault | "lost", gone: AbortSignal): Promise<void> {
    this.#do({ type: "mic", phase: fault });
    if (fault === "unloaded") setTimeout(() => this.#again(gone), RETRY_MS);
    else this.#report(fault);
    if (fault !== "denied") return;
    // One that is allowed in the browser's settings works again without a reload.
    const status = await permission();
    if (status !== undefined) status.onchange = () => status.state === "denied" || this.#again(gone);
  }

  /** The gateway's operator cannot see a microphone. */
  #report(what: string): void {
    this.#options.tell({ type: "report", fault: `user_device.microphone_${what}` });
  }

  /** What stood in the way is gone: nobody has to click, unless something else has happened since. */
  #again(gone: AbortSignal): void {
    if (!gone.aborted && inCall(this.#state)) void this.open();
  }

  #heard(peak: number): void {
    this.#everHeard ||= peak > SILENCE_PEAK;
    if (this.#everHeard) this.#looks = 0;
    this.#options.onLevel(peak);
  }

  async #devicesChanged(): Promise<void> {
    await this.#listDevices();
    const { mic, devices } = this.#state;
    const wanting = mic.phase === "lost" || mic.phase === "missing";
    // A device came (back): go on.
    if (wanting && devices.length > 0 && inCall(this.#state)) await this.open();
  }

  async #listDevices(): Promise<void> {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const inputs = all.filter((device) => device.kind === "audioinput" && device.deviceId !== "");
    this.#do({ type: "devices", devices: inputs.map(({ deviceId, label }) => ({ id: deviceId, label })) });
  }

  #do(action: Action): void {
    this.#options.store.dispatch(action);
  }
}

/** Not every TypeScript library and not every browser knows this name; those that do not, reject. */
async function permission(): Promise<PermissionStatus | undefined> {
  try {
    return await navigator.permissions.query({ name: "microphone" as PermissionName });
  } catch {
    // It is not known.
  }
}
