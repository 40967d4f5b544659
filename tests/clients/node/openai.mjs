// The official npm SDK over TLS, which it insists on.

import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

import { Arrivals } from "./arrivals.mjs";
import { BASE_URL, MODEL, TEXT, TOOL_SAYS, TOOL_TEXT, isKilled, play, speak } from "./stagecraft.mjs";

const TOOL = {
  type: "function",
  name: "balance",
  description: "call balance: what the customer owes",
  parameters: { type: "object", properties: {} },
};

class Heard {
  constructor() {
    this.events = new Arrivals();
    this.socket = new OpenAIRealtimeWS({ model: MODEL }, new OpenAI({ apiKey: "sk-any", baseURL: BASE_URL }));
    this.socket.on("event", (event) => this.events.push(event));
    this.socket.on("error", (error) => this.events.fail(error));
  }

  async until(type) {
    for (;;) {
      const event = await this.events.next();
      if (event.type === type) return event;
    }
  }

  async answered() {
    for (;;) {
      const { response } = await this.until("response.done");
      if (response.status === "completed") return response;
      if (!isKilled || response.status !== "incomplete") throw new Error(JSON.stringify(response));
    }
  }

  say(text) {
    const content = [{ type: "input_text", text }];
    this.socket.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
    this.socket.send({ type: "response.create" });
  }

  async update(session) {
    await this.until("session.created");
    this.socket.send({ type: "session.update", session: { type: "realtime", ...session } });
    await this.until("session.updated");
  }
}

const words = (response) => response.output.flatMap((item) => item.content ?? []).map((part) => part.transcript ?? part.text).join(" ");

await play({
  async text() {
    const heard = new Heard();
    await heard.update({ instructions: "Be brief." });
    heard.say(TEXT);
    await heard.answered();
    heard.say("And what else?");
    return words(await heard.answered());
  },

  async voice() {
    const heard = new Heard();
    await heard.update({ audio: { input: { turn_detection: { type: "server_vad", silence_duration_ms: 400 } } } });
    const speaking = speak((pcm) => heard.socket.send({ type: "input_audio_buffer.append", audio: pcm.toString("base64") }));
    const response = await heard.answered();
    await speaking;
    return words(response);
  },

  async tool() {
    const heard = new Heard();
    await heard.update({ tools: [TOOL] });
    heard.say(TOOL_TEXT);
    const [call] = (await heard.answered()).output;
    if (call?.type !== "function_call") throw new Error(`no call came: ${JSON.stringify(call)}`);
    const item = { type: "function_call_output", call_id: call.call_id, output: TOOL_SAYS };
    heard.socket.send({ type: "conversation.item.create", item });
    heard.socket.send({ type: "response.create" });
    return words(await heard.answered());
  },
});
