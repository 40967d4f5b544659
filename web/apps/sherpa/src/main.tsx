/**
 * The page: one client, one component.
 *
 * Query flags, for tests and measurements: `processing=off` (no echo cancelling and noise suppression),
 * `taps=1` (the client and a recorder of what is played at `window.__holdfast`).
 */

import { createVoiceClient, type VoiceClientOptions } from "@holdfast/client";
import { FinancialSherpa } from "@holdfast/react";
import "@holdfast/react/sherpa.css";
import "./page.css";
import { createRoot } from "react-dom/client";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root");
void start(root);

async function start(element: HTMLElement): Promise<void> {
  const flags = new URLSearchParams(location.search);
  const processing = flags.get("processing") !== "off";
  const taps = flags.has("taps") ? (await import("./taps")).createTaps() : undefined;
  const options: VoiceClientOptions = taps === undefined ? { processing } : { processing, ...taps.options };
  const client = createVoiceClient(options);
  taps?.expose(client);
  createRoot(element).render(<FinancialSherpa client={client} />);
  await client.load();
}
