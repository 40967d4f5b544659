// One conversation of @openai/agents-realtime, the same in Node and in a browser.

import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const balance = tool({
  name: "balance",
  description: "call balance: what the customer owes",
  parameters: { type: "object", properties: {}, required: [], additionalProperties: true },
  strict: false,
  execute: async () => "Nine euros.",
});

/** A connected session, with what it heard. `arrivals` makes a queue. */
export async function talking({ url, model, arrivals }) {
  const agent = new RealtimeAgent({ name: "Teller", instructions: "Be brief.", tools: [balance] });
  const transport = new OpenAIRealtimeWebSocket({ url: `${url}?model=${model}`, useInsecureApiKey: true });
  const session = new RealtimeSession(agent, {
    transport,
    model,
    config: { audio: { input: { turnDetection: { type: "server_vad", silenceDurationMs: 400, interruptResponse: true } } } },
  });
  const heard = { session, ends: arrivals, audio: 0, tools: [], interrupted: 0, history: [], cut: "" };
  session.on("error", (error) => {
    // An answer may end while it is interrupted; that is no failure (protocol reference, 8.5).
    if (!JSON.stringify(error).includes("response_cancel_not_active")) arrivals.fail(error);
  });
  session.on("audio", (event) => (heard.audio += event.data.byteLength));
  session.on("audio_interrupted", () => (heard.interrupted += 1));
  session.on("agent_tool_end", (_context, _agent, one, result) => heard.tools.push([one.name, result]));
  session.on("history_updated", (history) => (heard.history = history));
  session.on("transport_event", (event) => {
    if (event.type === "response.done") arrivals.push(event.response);
  });
  await session.connect({ apiKey: "sk-any" });
  return heard;
}

/** The end of the next answer that is whole. */
export async function answered(heard, isKilled) {
  for (;;) {
    const response = await heard.ends.next();
    if (response.status === "completed") return heard.cut + words(response);
    if (!isKilled || response.status !== "incomplete") throw new Error(JSON.stringify(response));
    heard.cut += words(response);
  }
}

const words = (response) => response.output.flatMap((item) => item.content ?? []).map((part) => part.transcript ?? part.text).join(" ");

export function scenes(start, { TEXT, TOOL_TEXT, isKilled, speak }) {
  return {
    async text() {
      const heard = await start();
      heard.session.sendMessage(TEXT);
      await answered(heard, isKilled);
      heard.session.sendMessage("And what else?");
      const said = await answered(heard, isKilled);
      if (!heard.audio) throw new Error("no sound came");
      return said;
    },

    async voice() {
      const heard = await start();
      const speaking = speak((pcm) => heard.session.sendAudio(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.byteLength)));
      await answered(heard, isKilled);
      await speaking;
      heard.session.sendMessage("And what else?");
      return answered(heard, isKilled);
    },

    async tool() {
      const heard = await start();
      heard.session.sendMessage(TOOL_TEXT);
      await answered(heard, isKilled);
      const said = await answered(heard, isKilled);
      if (heard.tools.length !== 1) throw new Error(`tools ran: ${JSON.stringify(heard.tools)}`);
      if (!/euros/i.test(said)) throw new Error(`it said ${said}`);
      return said;
    },

    async interrupt() {
      const heard = await start();
      heard.session.sendMessage(TEXT);
      while (!heard.audio) await new Promise((done) => setTimeout(done, 5));
      heard.session.interrupt();
      await heard.ends.next();
      heard.session.sendMessage("And what else?");
      return answered(heard, isKilled);
    },
  };
}
