// What an AudioWorkletGlobalScope offers and TypeScript's DOM library does not declare.
declare const sampleRate: number;

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
  abstract process(inputs: readonly (readonly Float32Array[])[], outputs: readonly (readonly Float32Array[])[]): boolean;
}

declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;
