/**
 * The console without a page: it listens to the gateway and asks it, and keeps what it hears in a store.
 *
 * What lives here: the stream, requests, the clock. What never will: React, and what a figure means.
 */

import { createStore, type Store } from "@holdfast/client/store";
import type { Changes, Checks, Explanation, FaultSeen, Me, Refusal, SessionDocument, Snapshot } from "../api";
import { initialState, reduce, rowOf, type Action, type Asked, type ConsoleState } from "./state";

const ROOT = "/api/console";
const TICK_MS = 1_000;
/** The gateway says something every second: what is silent for so long is a dead line that nobody closed. */
const DEAD_AFTER_MS = 15_000;
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 10_000];
/** A session that somebody looks at is asked for again when its row has changed, and not more often than this. */
const REFRESH_MS = 250;

/** What the console needs of a browser. */
export interface World {
  readonly fetch: typeof fetch;
  readonly EventSource: typeof EventSource;
  now(): number;
}

export class Console {
  readonly store: Store<ConsoleState, Action>;
  readonly #world: World;
  #stream: EventSource | undefined;
  #listensSince = 0;
  #attempts = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tick: ReturnType<typeof setInterval> | undefined;

  constructor(world: World) {
    this.#world = world;
    this.store = createStore(reduce, initialState(world.now()));
  }

  /** Ask who we are, then listen. */
  async start(): Promise<void> {
    this.#tick ??= setInterval(() => this.#onTick(), TICK_MS);
    await this.#begin();
  }

  stop(): void {
    clearInterval(this.#tick);
    this.#tick = undefined;
    this.#hangUp();
  }

  /** Undefined when the key is accepted. */
  async signIn(key: string): Promise<Refusal | undefined> {
    const { refusal } = await this.#post("/sign-in", { key });
    if (refusal === undefined) await this.#begin();
    return refusal;
  }

  async signOut(): Promise<void> {
    this.#hangUp();
    await this.#post("/sign-out", {});
    await this.#begin();
  }

  /** Keep a session's document fresh until the returned function is called. */
  follow(id: string): () => void {
    let row = rowOf(this.store.getState(), id);
    let askedAt = this.#world.now();
    let waits: ReturnType<typeof setTimeout> | undefined;
    let isLeft = false;
    let asks = 0;
    let answered = 0;
    const ask = (): void => {
      waits = undefined;
      askedAt = this.#world.now();
      asks += 1;
      const mine = asks;
      void this.#ask<SessionDocument>(`/sessions/${encodeURIComponent(id)}`, (asked) => {
        // An answer that was overtaken is older than what is shown.
        if (isLeft || mine < answered) return;
        if (!asked.asking) answered = mine;
        this.#say({ type: "session", id, asked });
      });
    };
    const stop = this.store.subscribe(() => {
      const seen = rowOf(this.store.getState(), id);
      // A session that ended is forgotten some day; one that was running and is gone is asked for.
      if (seen === row || (seen === undefined && row?.state === "ended")) return;
      row = seen;
      waits ??= setTimeout(ask, Math.max(0, askedAt + REFRESH_MS - this.#world.now()));
    });
    ask();
    return () => {
      isLeft = true;
      stop();
      clearTimeout(waits);
      this.#say({ type: "left", id });
    };
  }

  explain(id: string): Promise<void> {
    const path = `/sessions/${encodeURIComponent(id)}/explain`;
    return this.#ask<Explanation>(path, (asked) => this.#say({ type: "explanation", id, asked }));
  }

  checks(): Promise<void> {
    return this.#ask<Checks>("/checks", (asked) => this.#say({ type: "checks", asked }));
  }

  /** Faults older than those that came with the stream. */
  async earlierFaults(): Promise<void> {
    await this.#ask<{ faults: readonly FaultSeen[] }>("/faults?since=0", ({ value }) => {
      if (value !== undefined) this.#say({ type: "earlier_faults", faults: value.faults });
    });
  }

  /** End a session politely, where the operator may. */
  async end(id: string): Promise<Refusal | undefined> {
    return (await this.#post(`/sessions/${encodeURIComponent(id)}/end`, {})).refusal;
  }

  #say(action: Action): void {
    this.store.dispatch(action);
  }

  // ---- the stream

  async #begin(): Promise<void> {
    const { value: me, refusal } = await this.#get<Me>("/me");
    if (me !== undefined) {
      this.#say({ type: "me", me });
      if (me.signedIn) this.#listen();
    } else {
      this.#lost(refusal);
    }
  }

  #listen(): void {
    this.#hangUp();
    const stream = new this.#world.EventSource(`${ROOT}/stream`);
    this.#stream = stream;
    this.#listensSince = this.#world.now();
    stream.addEventListener("snapshot", ({ data }: MessageEvent<string>) => {
      this.#attempts = 0;
      this.#say({ type: "snapshot", here: this.#world.now(), told: JSON.parse(data) as Snapshot });
    });
    stream.addEventListener("changes", ({ data }: MessageEvent<string>) => {
      this.#attempts = 0;
      this.#say({ type: "changes", here: this.#world.now(), told: JSON.parse(data) as Changes });
    });
    stream.addEventListener("bye", () => this.#lost(undefined));
    stream.addEventListener("error", () => {
      // While it connects again the browser says what it heard last; once it has given up we begin anew.
      if (stream.readyState === stream.CLOSED) this.#lost(undefined);
      else this.#say({ type: "line", line: { phase: "lost", at: this.#world.now() } });
    });
  }

  /** Come again after a while; who is asked for a key now is told so by `me`. */
  #lost(refusal: Refusal | undefined): void {
    this.#hangUp();
    const wait = RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)] ?? 0;
    this.#attempts += 1;
    this.#retry = setTimeout(() => void this.#begin(), wait);
    const now = this.#world.now();
    const reason = refusal === undefined ? {} : { reason: refusal.message };
    this.#say({ type: "line", line: { phase: "lost", at: now, retryAt: now + wait, ...reason } });
  }

  #hangUp(): void {
    clearTimeout(this.#retry);
    this.#stream?.close();
    this.#stream = undefined;
  }

  #onTick(): void {
    this.#say({ type: "tick", here: this.#world.now() });
    const heardAt = Math.max(this.#listensSince, this.store.getState().heard?.here ?? 0);
    if (this.#stream !== undefined && this.#world.now() - heardAt > DEAD_AFTER_MS) this.#lost(undefined);
  }

  // ---- requests

  async #ask<Value>(path: string, told: (asked: Asked<Value>) => void): Promise<void> {
    told({ asking: true });
    told({ asking: false, ...(await this.#get<Value>(path)) });
  }

  #get<Value>(path: string): Promise<Answer<Value>> {
    return this.#request<Value>(path, { headers: { Accept: "application/json" } });
  }

  #post(path: string, body: object): Promise<Answer<unknown>> {
    const csrf = this.store.getState().me?.csrf ?? "";
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
    return this.#request(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async #request<Value>(path: string, init: RequestInit): Promise<Answer<Value>> {
    try {
      const answer = await this.#world.fetch(ROOT + path, { ...init, cache: "no-store" });
      if (answer.ok) return answer.status === 204 ? {} : { value: (await answer.json()) as Value };
      if (answer.status === 401) this.#keyIsWanted();
      return { refusal: await refusalOf(answer) };
    } catch {
      return { refusal: UNREACHABLE };
    }
  }

  #keyIsWanted(): void {
    const { me } = this.store.getState();
    if (me?.signedIn === true) this.#say({ type: "me", me: { ...me, signedIn: false } });
  }
}

interface Answer<Value> {
  readonly value?: Value;
  readonly refusal?: Refusal;
}

const UNREACHABLE: Refusal = {
  code: "UNREACHABLE",
  message: "The gateway doesn’t answer.",
  remedy: "Look whether it runs, and whether this browser still reaches it.",
};

/** The gateway's own words; of another server's page, its status. */
async function refusalOf(answer: Response): Promise<Refusal> {
  try {
    const { error } = (await answer.json()) as { error: Refusal };
    if (typeof error.message === "string") return error;
  } catch {
    // A page of something between here and the gateway.
  }
  return { code: `HTTP_${answer.status}`, message: `Something before the gateway answered with ${answer.status}.` };
}
