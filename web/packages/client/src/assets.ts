/**
 * Addresses of the scripts that run off the main thread. The bundler emits each as a file of its own, so that a
 * page needs neither `blob:` nor `unsafe-inline` in its content security policy.
 */

import captureUrl from "./capture.worklet.ts?worker&url";
import workerUrl from "./net.worker.ts?worker&url";
import playbackUrl from "./playback.worklet.ts?worker&url";

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

const ours: readonly string[] = [captureUrl, playbackUrl, workerUrl];

/** Under Trusted Types a script's address must pass a policy; ours lets our own three files pass. */
const policy = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("holdfast", {
  createScriptURL(url) {
    if (!ours.includes(url)) throw new TypeError(url);
    return url;
  },
});

function trusted(url: string): string {
  return policy?.createScriptURL(url) ?? url;
}

export function startWorker(): Worker {
  return new Worker(trusted(workerUrl), { type: "module", name: "holdfast" });
}

export function addCapture(context: BaseAudioContext): Promise<void> {
  return context.audioWorklet.addModule(trusted(captureUrl));
}

export function addPlayback(context: BaseAudioContext): Promise<void> {
  return context.audioWorklet.addModule(trusted(playbackUrl));
}

/** Fetch the two worklets beforehand: they must be at hand when somebody wants to talk, whatever the network does. */
export async function warmUp(): Promise<void> {
  await Promise.allSettled([fetch(captureUrl), fetch(playbackUrl)]);
}
