/**
 * For tests: what was really played, and when the page was told to fall silent.
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
}

const QUANTA_MAX = 60_000;

export function createTaps(): { options: VoiceClientOptions; expose(client: VoiceClient): void } {
  const flushes: number[] = [];
  const quanta: Quantum[] = [];
  let port: MessagePort | undefined;
  const options: VoiceClientOptions = {
    onFlushed: (at) => flushes.push(at),
    tap: async (node) => {
      await node.context.audioWorklet.addModule(tapUrl);
      const tap = new AudioWorkletNode(node.context, "holdfast-tap", { numberOfOutputs: 0 });
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
  const samples = (): Promise<number[]> =>
    new Promise((resolve) => {
      if (port === undefined) {
        resolve([]);
        return;
      }
      const answered = ({ data }: MessageEvent<Quantum[] | Float32Array>): void => {
        if (Array.isArray(data)) return;
        port?.removeEventListener("message", answered);
        resolve([...data]);
      };
      port.addEventListener("message", answered);
      port.postMessage("samples");
    });
  return {
    options,
    expose(client) {
      const exposed: Exposed = { client, flushes, quanta: () => [...quanta], samples };
      (window as unknown as { __holdfast: Exposed }).__holdfast = exposed;
    },
  };
}
