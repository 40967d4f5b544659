// @openai/agents-realtime in Node. The one change: `url` of the WebSocket transport.

import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const base = (process.env.OPENAI_BASE_URL ?? "http://127.0.0.1:8080/v1").replace(/^http/, "ws");
const model = "gpt-realtime-2.1";

const balance = tool({
  name: "balance",
  description: "Call balance: what the customer owes.",
  parameters: { type: "object", properties: {}, required: [], additionalProperties: true },
  strict: false,
  execute: async () => "Nine euros.",
});

const agent = new RealtimeAgent({ name: "Teller", instructions: "Be brief.", tools: [balance] });
const transport = new OpenAIRealtimeWebSocket({ url: `${base}/realtime?model=${model}`, useInsecureApiKey: true });
const session = new RealtimeSession(agent, { transport, model });

session.on("error", ({ error }) => {
  console.error(error);
  process.exit(1);
});
let hasRun = false;
session.on("agent_tool_end", (_context, _agent, { name }, result) => {
  hasRun = true;
  console.log(`tool ${name}: ${result}`);
});
session.on("transport_event", (event) => {
  if (event.type === "response.output_audio_transcript.delta") process.stdout.write(event.delta);
  if (event.type === "response.done" && event.response.status === "completed" && hasRun && event.response.output[0]?.role) {
    console.log();
    process.exit(0);
  }
});

await session.connect({ apiKey: process.env.OPENAI_API_KEY ?? "any" });
session.sendMessage("call balance");
