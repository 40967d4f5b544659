/** As much of a browser as a client needs to open a microphone and a loudspeaker. Scripts of its own come when told. */

import { vi } from "vitest";
import { initialLink, type LinkPhase } from "../src/link";
import type { FromWorker, Level, LinkSettings, ToCapture, ToWorker } from "../src/worker-messages";

export const CONFIG = {
  customer: { id: "C-1", name: "Anna Berg" },
  greeting: "",
  socketPath: "/s",
  csrfToken: "t",
  ticketRequired: false,
};

export class Browser {
  /** Devices that are plugged in, the one of choice first. */
  devices = ["headset", "built-in"];
  /** Whether devices are heard only at their own rate, as in Firefox. */
  ownRate = false;
  /** Scripts of the audio thread wait for this. */
  scripts: Promise<void> = Promise.resolve();
  /** So does what is heard, for the audio thread. */
  running: Promise<void> = Promise.resolve();
  readonly permission = { state: "granted", onchange: (): void => undefined };
  readonly tracks: Track[] = [];
  readonly contexts: { state: string; suspends(): void }[] = [];
  readonly workers: FakeWorker[] = [];
  readonly #changed = new Set<() => void>();

  constructor() {
    const browser = this;
    const media = {
      getUserMedia: (wish: MediaStreamConstraints) => this.#ask(wish.audio as MediaTrackConstraints),
      enumerateDevices: () =>
        Promise.resolve(this.devices.map((deviceId) => ({ kind: "audioinput", deviceId, label: deviceId }))),
      addEventListener: (_: string, listener: () => void) => this.#changed.add(listener),
      removeEventListener: (_: string, listener: () => void) => this.#changed.delete(listener),
    };
    const permissions = { query: () => Promise.resolve(this.permission) };
    vi.stubGlobal("navigator", { mediaDevices: media, permissions });
    vi.stubGlobal("location", { href: "http://gateway/" });
    vi.stubGlobal("fetch", () => Promise.resolve(Response.json(CONFIG)));
    vi.stubGlobal(
      "AudioContext",
      class {
        state = "running";
        baseLatency = 0;
        destination = {};
        constructor(readonly wish: AudioContextOptions) {
          browser.contexts.push(this);
        }
        createMediaStreamSource = ({ track }: Stream) => {
          if (browser.ownRate && this.wish.sampleRate !== undefined) throw new DOMException("", "NotSupportedError");
          return { connect: (node: Node) => void (track.node = node) };
        };
        #changed: (() => void) | undefined;
        addEventListener(_: string, listener: () => void): void {
          this.#changed = listener;
        }
        set onstatechange(listener: () => void) {
          this.#changed = listener;
        }
        /** One that closes runs no more and does not close again, and its `state` says so only later. */
        #closes = new AbortController();
        resume = () => Promise.race([this.#refused(), browser.running.then(() => this.#becomes("running"))]);
        close = () => {
          if (this.#closes.signal.aborted) return this.#refused();
          this.#closes.abort(new DOMException("closed", "InvalidStateError"));
          setTimeout(() => this.#becomes("closed"));
          return Promise.resolve();
        };
        #becomes = (state: string): void => {
          this.state = state;
          this.#changed?.();
        };
        /** By the system: for a telephone call, say. */
        suspends = (): void => this.#becomes("suspended");
        #refused = () =>
          new Promise<never>((_, reject) => {
            const { signal } = this.#closes;
            if (signal.aborted) reject(signal.reason);
            else signal.addEventListener("abort", () => reject(signal.reason));
          });
      },
    );
    vi.stubGlobal("AudioWorkletNode", Node);
  }

  /** What stands in for `assets.ts`. */
  get assets(): object {
    return {
      startWorker: () => {
        const worker = new FakeWorker();
        this.workers.push(worker);
        return worker;
      },
      addCapture: () => this.scripts,
      addPlayback: () => this.scripts,
      warmUp: () => Promise.resolve(),
    };
  }

  /** The microphone that records, and what it was told of muting last. */
  get recording(): { readonly device: string; readonly muted: boolean } | undefined {
    const track = this.tracks.findLast(({ live, node }) => live && node !== undefined);
    return track && { device: track.device, muted: track.node?.muted ?? false };
  }

  plug(...devices: string[]): void {
    this.devices = devices;
    for (const track of this.tracks) if (!devices.includes(track.device)) track.unplugged();
    for (const listener of this.#changed) listener();
  }

  /** Somebody withdraws the permission in the browser's settings: what records ends. */
  forbid(): void {
    this.permission.state = "denied";
    for (const track of this.tracks) track.unplugged();
  }

  /** The worker's word about the link. */
  link(phase: LinkPhase): void {
    this.workers.at(-1)?.says({ type: "link", state: { ...initialLink(0), phase, sessions: 1 } });
  }

  async #ask({ deviceId }: MediaTrackConstraints): Promise<Stream> {
    if (this.permission.state === "denied") throw new DOMException("", "NotAllowedError");
    const { exact, ideal } = { exact: undefined, ideal: undefined, ...constraint(deviceId) };
    const device = this.devices.find((each) => each === (exact ?? ideal)) ?? (exact === undefined ? this.devices[0] : undefined);
    if (device === undefined) throw new DOMException("", exact === undefined ? "NotFoundError" : "OverconstrainedError");
    const track = new Track(device);
    this.tracks.push(track);
    return { track, getTracks: () => [track], getAudioTracks: () => [track] };
  }
}

function constraint(wish: ConstrainDOMString | undefined): { readonly exact?: unknown; readonly ideal?: unknown } {
  return typeof wish === "object" && !Array.isArray(wish) ? wish : { ideal: wish };
}

interface Stream {
  readonly track: Track;
  getTracks(): Track[];
  getAudioTracks(): Track[];
}

class Track {
  live = true;
  node: Node | undefined;
  #ended: (() => void) | undefined;

  constructor(readonly device: string) {}

  unplugged(): void {
    if (this.live) this.#ended?.();
    this.live = false;
  }

  stop(): void {
    this.live = false;
  }

  addEventListener(_: string, listener: () => void, { signal }: { readonly signal: AbortSignal }): void {
    this.#ended = () => signal.aborted || listener();
  }

  getSettings(): { deviceId: string } {
    return { deviceId: this.device };
  }
}

class Node {
  muted = false;
  readonly port = {
    onmessage: (_: { data: Level }): void => undefined,
    postMessage: (message: ToCapture) => {
      if (message.type === "mute") this.muted = message.muted;
    },
  };
  connect(): void {}
}

class FakeWorker {
  onmessage: ((event: { data: FromWorker }) => void) | undefined;
  onerror: ((event: object) => void) | undefined;
  isAlive = true;
  readonly told: ToWorker["type"][] = [];
  began: LinkSettings | undefined;
  readonly reported: string[] = [];

  postMessage(message: ToWorker): void {
    this.told.push(message.type);
    if (message.type === "start") this.began = message.settings;
    if (message.type === "report") this.reported.push(message.fault);
  }

  /** As a worker whose script does not come. */
  breaks(): void {
    vi.stubGlobal("ErrorEvent", class {});
    this.onerror?.({});
  }

  terminate(): void {
    this.isAlive = false;
  }

  says(data: FromWorker): void {
    this.onmessage?.({ data });
  }
}

/** Everything that needs no time has happened. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
