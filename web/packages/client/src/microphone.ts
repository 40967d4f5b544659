/**
 * The microphone: permission, graph, and what can go wrong with a device.
 *
 * What lives here: getUserMedia, the capture context, faults by their names. What never will: samples.
 */

import { addCapture } from "./assets";
import { SAMPLE_RATE } from "./protocol";
import type { Level, ToCapture } from "./worker-messages";

export type MicFault = "denied" | "missing" | "busy" | "unloaded";

/** Any other is in somebody else's hands. */
const FAULTS: Readonly<Record<string, MicFault>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
};

export class MicError extends Error {
  readonly fault: MicFault;

  constructor(cause: unknown, fault?: MicFault) {
    super();
    this.fault = fault ?? (cause instanceof DOMException ? FAULTS[cause.name] : undefined) ?? "busy";
  }
}

export interface MicOptions {
  readonly deviceId: string | undefined;
  /** Echo cancelling, noise suppression, gain control; off for measurements. */
  readonly processing: boolean;
  readonly muted: boolean;
  readonly tap: ((node: AudioNode) => Promise<void> | void) | undefined;
  /** Nobody wants this microphone any more, opened or not. */
  readonly gone: AbortSignal;
  /** The worker's end of the channel that carries frames. */
  readonly port: MessagePort;
  onOpening(): void;
  onLevel(peak: number): void;
  /** The device went away under us. */
  onLost(): void;
}

export interface Microphone {
  readonly deviceId: string | undefined;
  mute(muted: boolean): void;
  /** Said before it is gone. `forGood`: no other microphone goes on from here. */
  close(forGood: boolean): void;
}

export async function openMicrophone(options: MicOptions): Promise<Microphone> {
  // An insecure page has none.
  if (navigator.mediaDevices === undefined) throw new MicError(undefined, "denied");
  const stream = await ask(options);
  const stop = (): void => {
    for (const track of stream.getTracks()) track.stop();
  };
  // Its light goes at once, whatever the graph still waits for.
  whenGone(options, stop);
  options.onOpening();
  try {
    return await build(stream, options);
  } catch (cause) {
    stop();
    throw cause instanceof MicError ? cause : new MicError(cause);
  }
}

async function ask({ deviceId, processing }: MicOptions): Promise<MediaStream> {
  const audio: MediaTrackConstraints = {
    echoCancellation: processing,
    noiseSuppression: processing,
    autoGainControl: processing,
    channelCount: 1,
    // A wish and no condition: where that device is gone another one hears as well.
    ...(deviceId && { deviceId }),
  };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (cause) {
    throw new MicError(cause);
  }
}

async function build(stream: MediaStream, options: MicOptions): Promise<Microphone> {
  const [track] = stream.getAudioTracks();
  track?.addEventListener("ended", options.onLost, { signal: options.gone });
  const { context, source } = await listen(stream);
  // The last part of a frame leaves with "end"; closing at once would drop it.
  whenGone(options, () => setTimeout(() => void context.close(), 100));
  // What the system took away (a telephone call) it does not give back by itself.
  context.onstatechange = () => context.state === "suspended" && void context.resume().catch(() => undefined);
  const node = new AudioWorkletNode(context, "holdfast-capture", {
    numberOfOutputs: 0,
    channelCount: 1,
    channelCountMode: "explicit",
  });
  const tell = (message: ToCapture, transfer: Transferable[] = []): void => node.port.postMessage(message, transfer);
  node.port.onmessage = ({ data }: MessageEvent<Level>) => options.onLevel(data.peak);
  tell({ type: "mute", muted: options.muted });
  tell({ type: "port", port: options.port }, [options.port]);
  await options.tap?.(source);
  await context.resume();
  // From here on it is heard; who switches it off before that is not.
  if (!options.gone.aborted) source.connect(node);
  return {
    deviceId: track?.getSettings().deviceId,
    mute: (muted) => tell({ type: "mute", muted }),
    close: (forGood) => tell({ type: "end", forGood }),
  };
}

function whenGone({ gone }: MicOptions, tidy: () => void): void {
  if (gone.aborted) tidy();
  else gone.addEventListener("abort", tidy);
}

/**
 * A context at 24 kHz lets the browser convert. Firefox refuses to connect a real device to a context of
 * another rate; there the context runs as the device does and the worklet converts.
 */
async function listen(
  stream: MediaStream,
  wish: AudioContextOptions = { sampleRate: SAMPLE_RATE },
): Promise<{ context: AudioContext; source: MediaStreamAudioSourceNode }> {
  const context = new AudioContext({ latencyHint: "interactive", ...wish });
  try {
    const source = context.createMediaStreamSource(stream);
    await load(context);
    return { context, source };
  } catch (cause) {
    // Only here: a context refuses to be closed twice, and its `state` may tell too late that it was.
    void context.close();
    if (wish.sampleRate && cause instanceof DOMException && cause.name === "NotSupportedError") return listen(stream, {});
    throw cause;
  }
}

/** The script comes from the gateway: that it cannot be had says nothing about the microphone. */
async function load(context: AudioContext): Promise<void> {
  try {
    await addCapture(context);
  } catch (cause) {
    throw new MicError(cause, "unloaded");
  }
}
