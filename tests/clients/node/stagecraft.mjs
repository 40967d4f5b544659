// What every driver of this folder is given, and how it tells its end: one line of JSON.

import { readFileSync } from "node:fs";

export const BASE_URL = process.env.HOLDFAST_CLIENT_URL ?? "https://127.0.0.1:8080/v1";
export const SOCKET_URL = `${BASE_URL.replace(/^http/, "ws")}/realtime`;
export const MODEL = "gpt-realtime-2.1";
export const TEXT = "Tell me at some length what you are able to do for a customer of this house.";
export const TOOL_TEXT = "call balance";
export const TOOL_SAYS = '{"say": "Nine euros."}';
export const isKilled = process.env.HOLDFAST_CLIENT_KILLED === "1";

const SCENE_MS = 40_000;
const FRAME = 960;

/** A person's words, as a microphone gives them: PCM16, 24 kHz. */
export async function speak(send) {
  const pcm = readFileSync(process.env.HOLDFAST_CLIENT_PCM);
  for (let at = 0; at < pcm.length; at += FRAME) {
    send(pcm.subarray(at, at + FRAME));
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** Run the scene that the command line names, and say how it ended. */
export async function play(scenes) {
  const late = new Promise((_, fail) =>
    setTimeout(() => fail(new Error(`not over within ${SCENE_MS} ms`)), SCENE_MS),
  );
  try {
    const said = await Promise.race([scenes[process.argv[2]](), late]);
    console.log(JSON.stringify({ said }));
    process.exit(0);
  } catch (failed) {
    console.error(failed);
    console.log(JSON.stringify({ failed: String(failed).slice(0, 400) }));
    process.exit(1);
  }
}
