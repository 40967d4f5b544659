/**
 * Every sentence of the page, in one typed table. Another language is another table.
 *
 * What lives here: words. What never will: when they are said (`selectors.ts` of the client decides that).
 */

import { isSpeech, type Divider, type Entry, type Gap, type Note, type Situation, type Speech } from "@holdfast/client";
import { FAULT_LINES } from "./faults";

export interface Line {
  readonly headline: string;
  readonly detail?: string;
  /** Where the page has found it itself: what the gateway's fault table calls it. */
  readonly code?: string;
}

type Kind = Situation["kind"];

export interface Words {
  readonly situations: Readonly<Record<Kind, Line>>;
  /** While sound is recorded although the link is not there yet. */
  readonly recording: Readonly<Partial<Record<Kind, Line>>>;
  /** Headlines for ends and failures by their code; the gateway's own words stand below. */
  readonly failures: Readonly<Record<string, Line>>;
  readonly tools: Readonly<Record<string, string>>;
  /** What changed in mid-conversation. */
  readonly notes: Readonly<Record<"local" | "upstream" | "text_only" | "summary" | "none" | "unspoken", string>>;
  readonly labels: typeof LABELS;
}

const LABELS = {
  brand: "Financial Sherpa",
  you: "You",
  assistant: "Sherpa",
  signedInAs: "Signed in as",
  customerNumber: "Customer",
  demo: "Demo customer",
  start: "Start talking",
  startAgain: "Start again",
  reconnect: "Reconnect",
  takeBack: "Continue here",
  micOn: "Switch microphone on",
  micOff: "Switch microphone off",
  hold: "Hold to talk",
  mute: "Mute",
  unmute: "Unmute",
  silence: "Stop speaking",
  end: "End conversation",
  retry: "Try again",
  tapToHear: "Tap to hear",
  type: "Type instead of speaking",
  typePlaceholder: "Type your question",
  send: "Send",
  options: "Options",
  holdToTalk: "Hold-to-talk",
  holdToTalkHelp: "It hears you only while you hold the button.",
  device: "Microphone",
  deviceDefault: "Default microphone",
  transcript: "Save transcript",
  conversation: "Conversation",
  earlier: "Earlier lines",
  spoken: "Spoken so far",
  newSession: "New session",
  notHeard: "not heard",
  interrupted: "interrupted",
  unfinished: "not finished",
  forgotten: "no longer remembered",
  unanswered: "not answered",
  gap: "of speech could not be kept. Please say it again.",
  gapOpen: "Some of what you said could not be kept.",
  gapAnswer: "of the answer could not be played.",
  kept: "Recorded meanwhile",
  of: "of",
  keptUnsent: "of what you said is kept here until you reconnect.",
  discard: "Discard it",
  inTime: "Next try in",
  endsSoon: "This conversation reaches its time limit soon",
  endsSoonHelp: "A new one does not remember what was said; the text stays on the page.",
  left: "left",
  renew: "New session now",
  ask: "You can ask",
  disclosure: "You are talking to an AI.",
  disclosureMore:
    "It answers from your contract. It cannot move money, give advice or change your data: for that it opens a form.",
  local: "Local assistant: limited",
  localHelp: "It knows your contract and little else.",
  dismiss: "Dismiss",
  close: "Close",
  times: "times",
  level: "Sound level",
} as const;

const SITUATIONS: Readonly<Record<Kind, Line>> = {
  ...FAULT_LINES,
  loading: { headline: "One moment" },
  welcome: { headline: "Ready when you are", detail: "Start talking, or type your question." },
  asking_mic: { headline: "Please allow the microphone", detail: "Your browser asks. You can also type." },
  connecting: { headline: "Connecting", detail: "This takes a moment." },
  waking: { headline: "Sherpa is waking up", detail: "Nothing you say is lost." },
  fresh_session: { headline: "Starting a fresh session", detail: "The text stays on the page." },
  moving: { headline: "Moving to another server", detail: "The conversation goes on by itself." },
  recovering: { headline: "Busy, resuming shortly", detail: "What you say is kept." },
  draining: { headline: "The service restarts in a moment", detail: "The conversation goes on by itself." },
  catching_up: { headline: "Catching up", detail: "What you said is on its way." },
  failed: { headline: "The conversation can't go on", detail: "Your transcript is still here." },
  ended: { headline: "Conversation ended", detail: "You can start again at any time." },
  tool: { headline: "Looking that up" },
  hearing: { headline: "Listening", detail: "Go on, I hear you." },
  thinking: { headline: "Thinking" },
  speaking: { headline: "Speaking", detail: "Talk over me at any time, or press Esc." },
  listening: { headline: "Listening", detail: "Just talk." },
  hold: { headline: "Hold the button to talk", detail: "Or hold Space while it is focused." },
  muted: { headline: "Muted", detail: "I hear nothing until you unmute." },
  mic_off: { headline: "Microphone is off", detail: "Switch it on, or type." },
};

export const ENGLISH: Words = {
  situations: SITUATIONS,
  recording: {
    connecting: { headline: "Listening — connecting", detail: "Start talking, nothing is lost." },
    waking: { headline: "Listening — Sherpa is waking up", detail: "Start talking, nothing is lost." },
    lost: { headline: "Connection lost — still recording", detail: "Keep talking; we'll catch up." },
    moving: { headline: "Moving to another server — still recording", detail: "Keep talking; we'll catch up." },
    slept: { ...FAULT_LINES.slept, detail: "Recording again; we'll catch up." },
  },
  failures: {
    ...FAULT_LINES,
    RECONNECT_FAILED: { headline: "We couldn't reconnect", detail: "Your transcript is still here." },
    SESSION_INITIALIZATION_FAILED: {
      headline: "Couldn't start the voice service",
      detail: "Try again in a moment.",
    },
    RATE_LIMITED: { headline: "Too many conversations right now", detail: "Please try again in a moment." },
  },
  tools: {
    balance: "Looking up your balance",
    next_payment: "Looking up your next payment",
    last_payment: "Looking up your last payment",
    contract_status: "Looking at your contract",
    payoff: "Working out the pay-off",
    interest_rate: "Looking up your interest rate",
    contract_end: "Looking at your contract",
    missing_documents: "Looking at your documents",
    upload_document: "Opening the form",
    change_address: "Opening the form",
    change_bank: "Opening the form",
    change_due_date: "Opening the form",
    human: "Looking for a person",
  },
  notes: {
    local: "The limited local assistant answers now.",
    upstream: "This service answers now:",
    text_only: "The connection was renewed. Sherpa remembers what was said as text.",
    summary: "The connection was renewed. Sherpa remembers a summary of what was said.",
    none: "The connection was renewed. Sherpa does not remember what was said.",
    unspoken: "What Sherpa said meanwhile is written here. It was not spoken.",
  },
  labels: LABELS,
};

/** Questions that the assistant can answer; a click asks them. */
export const EXAMPLES: readonly string[] = [
  "When is my next payment due?",
  "How much do I still owe?",
  "What would it cost to pay off early?",
  "Are any documents missing?",
];

/** The line for a situation; the gateway's sentences for failures come beside it, not instead of it. */
export function lineFor(words: Words, now: Situation): Line {
  const plain = words.situations[now.kind];
  if (now.kind === "failed") return words.failures[now.code] ?? plain;
  if (now.kind === "ended") return words.failures[now.reason] ?? plain;
  if (now.kind === "tool") return { headline: words.tools[now.name] ?? plain.headline };
  if ("recording" in now && now.recording) return { ...plain, ...words.recording[now.kind] };
  return plain;
}

/** The line of the transcript for what nobody said. */
export function lineOf({ labels, notes }: Words, entry: Divider | Gap | Note): string {
  if (entry.kind === "divider") return labels.newSession;
  if (entry.kind === "gap") return `${lossTime(entry.ms)} ${entry.of === "user" ? labels.gap : labels.gapAnswer}`;
  const { about } = entry;
  switch (about.what) {
    case "words":
      return about.words;
    case "restored":
      return notes[about.context];
    case "unspoken":
      return notes.unspoken;
    case "upstream":
      return about.upstream.kind === "local" ? notes.local : `${notes.upstream} ${about.upstream.name}`;
  }
}

/** What became of a sentence that was not simply said. */
export function tagOf(labels: Words["labels"], { cut, status }: Speech): string | undefined {
  if (cut !== undefined) return labels.interrupted;
  if (status === "forgotten" || status === "unanswered") return labels[status];
  return status === "incomplete" || status === "failed" ? labels.unfinished : undefined;
}

/** A turn in one line. */
export function saidBy({ labels }: Words, entry: Speech): string {
  const tag = tagOf(labels, entry);
  return `${entry.kind === "user" ? labels.you : labels.assistant}: ${entry.text}${tag ? ` (${tag})` : ""}`;
}

/** The conversation as plain text, for keeping. */
export function transcriptText(words: Words, entries: readonly Entry[]): string {
  const lines = entries.map((entry) => {
    const at = new Date(entry.at).toISOString().slice(0, 19).replace("T", " ");
    return `[${at}] ${isSpeech(entry) ? saidBy(words, entry) : `--- ${lineOf(words, entry)} ---`}`;
  });
  return `${lines.join("\n")}\n`;
}

/** As `0:07`; a loss is never told as nothing. */
export function lossTime(ms: number): string {
  return clockTime(Math.max(1_000, Math.round(ms / 1000) * 1000));
}

/** Minutes and seconds as `0:07`. */
export function clockTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
