/**
 * What the console says.
 *
 * What lives here: names of things and whole sentences, once each. What never will: figures (`model/format.ts`).
 */

import type { Health, Place, Row } from "../api";
import { PLACES } from "../api";
import type { Band, Sort } from "../model/list";
import type { Shown } from "../model/timeline";
import { plain } from "../model/format";

/** A word of the gateway's, or what it says when we do not know it. */
export function named(words: Readonly<Record<string, string>>, word: string | null | undefined): string {
  if (word == null || word === "") return "";
  return words[word] ?? plain(word);
}

export const VIEW_NAMES = {
  sessions: "Sessions",
  latency: "Latency",
  faults: "Faults",
  cost: "Cost",
  setup: "Set-up",
} as const;

export const PARTIES: Readonly<Record<string, string>> = {
  user_device: "User’s device",
  user_network: "User’s network",
  application: "Application",
  configuration: "Configuration",
  gateway: "Gateway",
  tool: "Tool",
  provider: "Provider",
  store: "Store",
};

export const STATES: Readonly<Record<string, string>> = {
  connecting: "Connecting",
  live: "Live",
  recovering: "Recovering",
  degraded: "Degraded",
  away: "Away",
  ended: "Ended",
};

export const SOURCES: Readonly<Record<string, string>> = {
  browser: "browser",
  realtime: "/v1/realtime",
  call: "call",
};

export const LOADS: Readonly<Record<string, string>> = {
  none: "takes everyone",
  refuse: "refuses new ones",
  shed: "sheds load",
  close: "closes sessions",
};

export const GATEWAY_STATES: Readonly<Record<string, string>> = { serving: "Serving", draining: "Draining" };

export const PLACE_NAMES: Readonly<Record<Place, string>> = {
  microphone: "Microphone",
  network: "Network",
  gateway: "Gateway",
  upstream: "Upstream",
  speaker: "Speaker",
};

export const HEALTHS: Readonly<Record<string, string>> = {
  good: "well",
  unsure: "unsure",
  bad: "bad",
  none: "not known",
};

export const BAND_NAMES: Readonly<Record<Band, string>> = {
  needs: "Needs you",
  unsure: "Worth a look",
  well: "Going well",
  ended: "Ended",
};

export const SORT_NAMES: Readonly<Record<Sort, string>> = {
  attention: "Who needs you",
  began: "Newest",
  silence: "Longest silence",
  cost: "Most expensive",
  faults: "Most faults",
  turns: "Most turns",
};

export const LANE_NAMES: Readonly<Record<Shown, string>> = {
  user: "User",
  silence: "Silence",
  assistant: "Assistant",
  tool: "Tools",
  upstream: "Upstream",
  client: "Client",
  fault: "Faults",
};

export const STATUSES: Readonly<Record<string, string>> = {
  ok: "ok",
  warning: "warning",
  failed: "failed",
  skipped: "skipped",
};

/** The five places in one sentence, the worst first. */
export function path(health: Row["health"]): string {
  const told = (["bad", "unsure", "none"] as const)
    .map((word) => [word, PLACES.filter((place) => (health[place] as Health) === word)] as const)
    .filter(([, places]) => places.length > 0)
    .map(([word, places]) => `${named(HEALTHS, word)}: ${places.join(", ")}`);
  return told.length === 0 ? "All five places are well" : capital(told.join("; "));
}

/** How it goes, in one sentence. */
export function headline(counts: Readonly<Record<Band, number>>): string {
  const running = counts.needs + counts.unsure + counts.well;
  if (counts.needs === 1) return "One conversation needs you.";
  if (counts.needs > 1) return `${counts.needs} conversations need you.`;
  if (running === 0) return "Nobody is talking at the moment.";
  if (counts.unsure > 0) return `Nobody needs you; ${conversations(counts.unsure)} worth a look.`;
  return running === 1 ? "One conversation, and it goes well." : `All ${running} conversations go well.`;
}

function conversations(many: number): string {
  return many === 1 ? "one conversation is" : `${many} conversations are`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function many(number: number, one: string, more = `${one}s`): string {
  return `${number} ${number === 1 ? one : more}`;
}
