/**
 * Where somebody stands in a session, and the address that says it.
 *
 * What lives here: keeping both the same. What never will: where keys lead (`model/timeline.ts`).
 */

import { useCallback, useEffect, useRef } from "react";
import { setParams, useConsole, useRoute, useTold } from "./hooks";

/** Browsers refuse addresses that change many times a second. */
const ADDRESS_AFTER_MS = 300;

/** The cursor's place in ms, undefined while it follows the end; and how to move it. */
export function useCursor(session: string): readonly [number | undefined, (t_ms: number | undefined) => void] {
  const { store } = useConsole();
  const { params } = useRoute();
  const told = params["t"];
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const cursor = useTold(({ cursor: at }) => (at?.session === session ? at.t_ms : undefined));
  useEffect(() => {
    const seconds = told === undefined ? Number.NaN : Number(told);
    store.dispatch({ type: "cursor", cursor: seconds >= 0 ? { session, t_ms: 1_000 * seconds } : undefined });
  }, [store, session, told]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const move = useCallback(
    (t_ms: number | undefined) => {
      store.dispatch({ type: "cursor", cursor: t_ms === undefined ? undefined : { session, t_ms } });
      clearTimeout(timer.current);
      const t = t_ms === undefined ? "" : String(Math.round(t_ms) / 1_000);
      timer.current = setTimeout(() => setParams({ t }), ADDRESS_AFTER_MS);
    },
    [store, session],
  );
  return [cursor, move];
}
