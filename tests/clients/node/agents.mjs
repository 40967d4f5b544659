// @openai/agents-realtime in Node.

import { scenes, talking } from "./agent.mjs";
import { Arrivals } from "./arrivals.mjs";
import { MODEL, SOCKET_URL, TEXT, TOOL_TEXT, isKilled, play, speak } from "./stagecraft.mjs";

const start = () => talking({ url: SOCKET_URL, model: MODEL, arrivals: new Arrivals() });

await play(scenes(start, { TEXT, TOOL_TEXT, isKilled, speak }));
