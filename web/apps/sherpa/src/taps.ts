/**
 * For tests: what was really played and what the microphone brought meanwhile, and when the page was told to fall
 * silent.
 *
 * What lives here: a recorder behind the playback node, at `window.__holdfast`. Loaded only with `?taps=1`.
 */

import type { VoiceClient, VoiceClientOptions } from "@holdfast/client";
import tapUrl from "./tap.worklet.ts?worker&url";

interface Quantum {
  /** Wall clock (ms) when the quantum was rendered. */
  readonly at: number;
  readonly peak: number;
}

interface Exposed {
  readonly client: VoiceClient;
  readonly flushes: number[];
  /** Loudness of each quantum that was played, oldest first. */
  readonly quanta: () => Quantum[];
  /** The last played samples, as numbers, newest last. */
  readonly samples: () => Promise<number[]>;
  /** The microphone's at the same time, sample by sample. */
  readonly microphone: () => Promise<number[]>;
  /** What the page's own node of the microphone brought, from its first sample on, as 32-bit floats in base64. */
  readonly given: () => Promise<string>;
  /** How long (ms) what is recorded as played takes to the ear. */
  readonly delayMs: () => number;
}

const QUANTA_MAX = 60_000;

export function createTaps(): { options: VoiceClientOptions; expose(client: VoiceClient): void } {
  const flushes: number[] = [];
  const quanta: Quantum[] = [];
  let port: MessagePort | undefined;
  let givenPort: MessagePort | undefined;
  let context: AudioContext | undefined;
  const microphones = overheard();
  const options: VoiceClientOptions = {
    onFlushed: (at) => flushes.push(at),
    tap: async (node) => {
      await node.context.audioWorklet.addModule(tapUrl);
      if (node instanceof MediaStreamAudioSourceNode) {
        const given = new AudioWorkletNode(node.context, "holdfast-given", { numberOfOutputs: 0 });
        givenPort = given.port;
        givenPort.start();
        node.connect(given);
        return;
      }
      const tap = new AudioWorkletNode(node.context, "holdfast-tap", { numberOfInputs: 2, numberOfOutputs: 0 });
      const playing = (context = node.context as AudioContext);
      microphones.forEach((mediaStream) => new MediaStreamAudioSourceNode(playing, { mediaStream }).connect(tap, 0, 1));
      port = tap.port;
      port.addEventListener("message", ({ data }: MessageEvent<Quantum[] | Float32Array>) => {
        if (!Array.isArray(data)) return;
        quanta.push(...data);
        quanta.splice(0, quanta.length - QUANTA_MAX);
      });
      port.start();
      node.connect(tap);
    },
  };
  return {
    options,
    expose(client) {
      const exposed: Exposed = {
        client,
        flushes,
        quanta: () => [...quanta],
        samples: async () => [...(await ask(port, "samples"))],
        microphone: async () => [...(await ask(port, "microphone"))],
        given: async () => base64(await ask(givenPort, "given")),
        delayMs: () => (context?.outputLatency ?? 0) * 1000,
      };
      (window as unknown as { __holdfast: Exposed }).__holdfast = exposed;
    },
  };
}

/** What a tap has kept under this name; nothing of one that is not there. */
function ask(port: MessagePort | undefined, what: string): Promise<Float32Array> {
  return new Promise((resolve) => {
    if (port === undefined) {
      resolve(new Float32Array());
      return;
    }
    const answered = ({ data }: MessageEvent<Quantum[] | Float32Array>): void => {
      if (Array.isArray(data)) return;
      port.removeEventListener("message", answered);
      resolve(data);
    };
    port.addEventListener("message", answered);
    port.postMessage(what);
  });
}

function base64(samples: Float32Array): string {
  return btoa(Array.from(new Uint8Array(samples.buffer), (byte) => String.fromCharCode(byte)).join(""));
}

/** The microphones that the page opens. A second one of our own would start the test's file anew. */
function overheard(): { forEach(opened: (stream: MediaStream) => void): void } {
  const streams: MediaStream[] = [];
  let tell = (stream: MediaStream): void => void streams.push(stream);
  const devices = navigator.mediaDevices;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wish) => {
    const stream = await ask(wish);
    tell(stream);
    return stream;
  };
  return {
    forEach(opened) {
      streams.forEach(opened);
      tell = opened;
    },
  };
}
