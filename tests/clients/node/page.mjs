// @openai/agents-realtime in a page, over its WebSocket transport.

import { scenes, talking } from "./agent.mjs";
import { Arrivals } from "./arrivals.mjs";

const FRAME = 960;

/** Run one scene; what it needs is told by whoever opened the page. */
export async function run(scene, told) {
  const start = () => talking({ url: told.url, model: told.model, arrivals: new Arrivals() });
  const pcm = Uint8Array.from(atob(told.pcm), (letter) => letter.charCodeAt(0));
  const speak = async (send) => {
    for (let at = 0; at < pcm.length; at += FRAME) {
      send(pcm.slice(at, at + FRAME));
      await new Promise((done) => setTimeout(done, 10));
    }
  };
  return scenes(start, { ...told, speak })[scene]();
}
