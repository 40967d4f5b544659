/**
 * What the console knows, and what each happening does to it. Pure: the same events give the same page.
 *
 * What lives here: the state, its actions, the reducer, and the bounds of what is kept.
 * What never will: sockets and clocks (`console.ts`), what is shown of it and in which order (`list.ts`).
 */

import type {
  Changes,
  Checks,
  Cost,
  Explanation,
  FaultSeen,
  Gateway,
  Latency,
  Me,
  Refusal,
  Row,
  SessionDocument,
  Snapshot,
} from "../api";

/** Older faults are asked for by the page of faults; the list of sessions needs the newest. */
export const FAULTS_MAX = 2_000;
/** An hour of what a minute costs, a point every ten seconds. */
export const SPENT_MAX = 360;
const SPENT_EVERY_MS = 10_000;
/** Clocks are set, and seconds rounded. */
const SAME_WITHIN_MS = 3_000;

/** A row, and when it was so. */
export interface SeenRow extends Row {
  readonly asOf: number;
}

/** The stream of what happens. `at` and `retryAt` are by the page's own clock. */
export type Line =
  | { readonly phase: "opening" }
  | { readonly phase: "live" }
  | { readonly phase: "lost"; readonly at: number; readonly retryAt?: number; readonly reason?: string };

/** Something that was asked for. While it is asked for again, what was there stays. */
export interface Asked<Value> {
  readonly asking: boolean;
  readonly value?: Value;
  readonly refusal?: Refusal;
}

/** Where somebody stands in a session's timeline. */
export interface Cursor {
  readonly session: string;
  readonly t_ms: number;
}

export interface ConsoleState {
  readonly line: Line;
  /** The gateway's time of the newest event, and the page's clock then. */
  readonly heard?: { readonly at: number; readonly here: number };
  /** The page's clock. */
  readonly now: number;
  readonly rows: ReadonlyMap<string, SeenRow>;
  readonly faults: readonly FaultSeen[];
  readonly gateway?: Gateway;
  readonly cost?: Cost;
  readonly spent: readonly { readonly at: number; readonly perMinute: number }[];
  readonly latency?: Latency;
  readonly me?: Me;
  /** The order that stands still while somebody reads or points. */
  readonly held?: readonly string[];
  readonly sessions: ReadonlyMap<string, Asked<SessionDocument>>;
  readonly explanations: ReadonlyMap<string, Asked<Explanation>>;
  readonly checks?: Asked<Checks>;
  readonly cursor?: Cursor;
}

export type Action =
  | { readonly type: "snapshot"; readonly here: number; readonly told: Snapshot }
  | { readonly type: "changes"; readonly here: number; readonly told: Changes }
  | { readonly type: "line"; readonly line: Line }
  | { readonly type: "tick"; readonly here: number }
  | { readonly type: "me"; readonly me: Me }
  | { readonly type: "held"; readonly order: readonly string[] | undefined }
  | { readonly type: "session"; readonly id: string; readonly asked: Asked<SessionDocument> }
  | { readonly type: "explanation"; readonly id: string; readonly asked: Asked<Explanation> }
  | { readonly type: "checks"; readonly asked: Asked<Checks> }
  | { readonly type: "earlier_faults"; readonly faults: readonly FaultSeen[] }
  | { readonly type: "left"; readonly id: string }
  | { readonly type: "cursor"; readonly cursor: Cursor | undefined };

export function initialState(now: number): ConsoleState {
  return {
    line: { phase: "opening" },
    now,
    rows: new Map(),
    faults: [],
    spent: [],
    sessions: new Map(),
    explanations: new Map(),
  };
}

export function reduce(state: ConsoleState, action: Action): ConsoleState {
  switch (action.type) {
    case "snapshot":
      return snapshot(state, action.here, action.told);
    case "changes":
      return changes(state, action.here, action.told);
    case "line":
      return { ...state, line: action.line };
    case "tick":
      return { ...state, now: action.here };
    case "me":
      return { ...state, me: action.me };
    case "held":
      return state.held === action.order ? state : without({ ...state }, "held", action.order);
    case "session": {
      const asked = keeping(state.sessions, action.id, inOrder(action.asked));
      return { ...state, sessions: put(state.sessions, action.id, asked) };
    }
    case "explanation": {
      const asked = keeping(state.explanations, action.id, action.asked);
      return { ...state, explanations: put(state.explanations, action.id, asked) };
    }
    case "checks": {
      const kept = state.checks?.value;
      return { ...state, checks: kept === undefined ? action.asked : { value: kept, ...action.asked } };
    }
    case "earlier_faults":
      return { ...state, faults: merged(action.faults, state.faults) };
    case "left":
      return left(state, action.id);
    case "cursor":
      return without({ ...state }, "cursor", action.cursor);
  }
}

function snapshot(state: ConsoleState, here: number, told: Snapshot): ConsoleState {
  const rows = new Map(told.rows.map((row) => [row.id, { ...row, asOf: told.at }]));
  const { cost: _, latency: __, ...kept } = state;
  const faults = isAnother(state, told) ? told.faults : merged(state.faults, told.faults);
  const begun: ConsoleState = { ...kept, rows, faults, gateway: told.gateway };
  return heard(figures(begun, told), here, told.at);
}

/** Whether this gateway began after the one that was heard last: its faults are numbered from 1 again. */
function isAnother({ heard, gateway }: ConsoleState, told: Snapshot): boolean {
  if (heard === undefined || gateway === undefined) return false;
  return told.at - 1_000 * told.gateway.uptimeS > heard.at - 1_000 * gateway.uptimeS + SAME_WITHIN_MS;
}

function changes(state: ConsoleState, here: number, told: Changes): ConsoleState {
  let next = figures(state, told);
  if ((told.rows?.length ?? 0) > 0 || (told.gone?.length ?? 0) > 0) {
    const rows = new Map(state.rows);
    for (const id of told.gone ?? []) rows.delete(id);
    for (const row of told.rows ?? []) rows.set(row.id, { ...row, asOf: told.at });
    next = { ...next, rows };
  }
  if ((told.faults?.length ?? 0) > 0) next = { ...next, faults: merged(state.faults, told.faults ?? []) };
  if (told.gateway !== undefined) next = { ...next, gateway: told.gateway };
  return heard(next, here, told.at);
}

/** Cost and latency come when they changed. */
function figures(state: ConsoleState, told: Changes): ConsoleState {
  let next = state;
  if (told.latency != null) next = { ...next, latency: told.latency };
  if (told.cost != null) {
    const last = state.spent.at(-1);
    const due = last === undefined || told.at - last.at >= SPENT_EVERY_MS;
    const point = { at: told.at, perMinute: told.cost.perMinute };
    next = { ...next, cost: told.cost, spent: due ? [...state.spent, point].slice(-SPENT_MAX) : state.spent };
  }
  return next;
}

function heard(state: ConsoleState, here: number, at: number): ConsoleState {
  return { ...state, line: { phase: "live" }, now: here, heard: { at, here } };
}

/** Each fault once, the oldest first, bounded. */
function merged(before: readonly FaultSeen[], more: readonly FaultSeen[]): readonly FaultSeen[] {
  const newest = before.at(-1);
  if (newest !== undefined && more.every((fault) => fault.id > newest.id)) {
    return [...before, ...more].slice(-FAULTS_MAX);
  }
  const each = new Map([...before, ...more].map((fault) => [fault.id, fault]));
  return [...each.values()].sort((one, other) => one.id - other.id).slice(-FAULTS_MAX);
}

/** Somebody went away from a session: its documents are not kept. */
function left(state: ConsoleState, id: string): ConsoleState {
  const sessions = new Map(state.sessions);
  const explanations = new Map(state.explanations);
  sessions.delete(id);
  explanations.delete(id);
  return { ...state, sessions, explanations };
}

function put<Value>(all: ReadonlyMap<string, Value>, id: string, value: Value): ReadonlyMap<string, Value> {
  return new Map(all).set(id, value);
}

/** By time: an answer is told when it is over, and stands where it began. */
function inOrder(asked: Asked<SessionDocument>): Asked<SessionDocument> {
  if (asked.value === undefined) return asked;
  const timeline = asked.value.timeline.toSorted((one, other) => one.t_ms - other.t_ms);
  return { ...asked, value: { ...asked.value, timeline } };
}

/** What was there stays until there is something newer. */
function keeping<Value>(all: ReadonlyMap<string, Asked<Value>>, id: string, asked: Asked<Value>): Asked<Value> {
  const kept = all.get(id)?.value;
  return kept === undefined ? asked : { value: kept, ...asked };
}

function without<Key extends "held" | "cursor">(
  state: ConsoleState,
  key: Key,
  value: ConsoleState[Key] | undefined,
): ConsoleState {
  const { [key]: _, ...rest } = state;
  return (value === undefined ? rest : { ...rest, [key]: value }) as ConsoleState;
}

/** The gateway's time now, as far as the page can know it. */
export function gatewayNow(state: ConsoleState): number {
  return state.heard === undefined ? state.now : state.heard.at + (state.now - state.heard.here);
}

/** The row of a session that is looked at: it bears the gateway's id, whichever id was asked for. */
export function rowOf({ rows, sessions }: ConsoleState, id: string): SeenRow | undefined {
  return rows.get(id) ?? rows.get(sessions.get(id)?.value?.row.id ?? id);
}

/** How old the newest event is, in ms; undefined before the first. */
export function staleness(state: ConsoleState): number | undefined {
  return state.heard === undefined ? undefined : Math.max(0, state.now - state.heard.here);
}
