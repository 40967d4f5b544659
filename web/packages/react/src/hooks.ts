/**
 * Granular views of the client's state: a component renders when its own part changes.
 *
 * What lives here: subscriptions. What never will: logic of the conversation (the client has it).
 */

import {
  inCall,
  shownEntries,
  situation,
  steadyNow,
  type Entry,
  type LevelSide,
  type Notice,
  type Situation,
  type VoiceState,
} from "@holdfast/client";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useVoiceClient } from "./provider";

/** A part of the state; `select` answers a value that is stable while nothing changes. */
export function useVoice<Part>(select: (state: VoiceState) => Part): Part {
  const { store } = useVoiceClient();
  return useSyncExternalStore(store.subscribe, () => select(store.getState()));
}

const whole = (state: VoiceState): VoiceState => state;

export function useLink(): VoiceState["link"] {
  return useVoice((state) => state.link);
}

export function useMic(): VoiceState["mic"] {
  return useVoice((state) => state.mic);
}

export function useTurn(): VoiceState["turn"] {
  return useVoice((state) => state.turn);
}

export function useSpeaker(): VoiceState["speaker"] {
  return useVoice((state) => state.speaker);
}

export function useNotices(): readonly Notice[] {
  return useVoice((state) => state.notices);
}

export function useInCall(): boolean {
  return useVoice(inCall);
}

export function useSituation(): Situation {
  const state = useVoice(whole);
  return useMemo(() => situation(state), [state]);
}

export function useTranscript(): readonly Entry[] {
  const entries = useVoice((state) => state.entries);
  const phase = useVoice((state) => state.turn.phase);
  const { store } = useVoiceClient();
  // Entries and the phase of the turn are all that `shownEntries` looks at.
  return useMemo(() => shownEntries(store.getState()), [store, entries, phase]);
}

/** Levels go past React: `listener` runs about twenty times a second. */
export function useLevels(listener: (side: LevelSide, peak: number) => void): void {
  const client = useVoiceClient();
  useEffect(() => client.onLevel(listener), [client, listener]);
}

/** Milliseconds since `moment` (of `steadyNow`), negative before it; once a second. */
export function useSince(moment: number | undefined): number | undefined {
  const [now, setNow] = useState(steadyNow);
  useEffect(() => {
    if (moment === undefined) return undefined;
    setNow(steadyNow());
    const timer = setInterval(() => setNow(steadyNow()), 1_000);
    return () => clearInterval(timer);
  }, [moment]);
  return moment === undefined ? undefined : now - moment;
}

/** `value` once it has rested for `ms`; until then what rested before. */
export function useRested<Value>(value: Value, ms: number): Value {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}

export function useReducedMotion(): boolean {
  return useSyncExternalStore(watchMotion, () => motion()?.matches ?? false);
}

function motion(): MediaQueryList | undefined {
  return typeof matchMedia === "function" ? matchMedia("(prefers-reduced-motion: reduce)") : undefined;
}

function watchMotion(listener: () => void): () => void {
  const query = motion();
  query?.addEventListener("change", listener);
  return () => query?.removeEventListener("change", listener);
}
