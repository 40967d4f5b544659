/**
 * Views of the store and of the address for components.
 *
 * What lives here: subscriptions. What never will: decisions (`model`).
 */

import { createContext, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Console } from "../model/console";
import { address, changed, parse, type Route } from "../model/route";
import type { ConsoleState } from "../model/state";

export const ConsoleContext = createContext<Console | undefined>(undefined);

export function useConsole(): Console {
  const found = useContext(ConsoleContext);
  if (found === undefined) throw new Error("useConsole outside of ConsoleContext");
  return found;
}

/** A part of the state; `select` answers a value that is stable while nothing changes. */
export function useTold<Part>(select: (state: ConsoleState) => Part): Part {
  const { store } = useConsole();
  return useSyncExternalStore(store.subscribe, () => select(store.getState()));
}

const listeners = new Set<() => void>();

function onAddress(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("hashchange", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("hashchange", listener);
  };
}

let known = { hash: "", route: parse("") };

function currentRoute(): Route {
  if (known.hash !== location.hash) known = { hash: location.hash, route: parse(location.hash) };
  return known.route;
}

export function useRoute(): Route {
  return useSyncExternalStore(onAddress, currentRoute);
}

/** Other parameters at the same place; the way back does not go through each of them. */
export function setParams(params: Readonly<Record<string, string | undefined>>): void {
  history.replaceState(history.state, "", address(changed(currentRoute(), params)));
  for (const listener of listeners) listener();
}

/** The width of an element, for pictures that are drawn to measure. */
export function useWidth(): readonly [(element: HTMLElement | null) => void, number] {
  const [width, setWidth] = useState(0);
  const observer = useRef<ResizeObserver>(undefined);
  const measure = useCallback((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (element === null) return;
    setWidth(element.clientWidth);
    observer.current = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.current.observe(element);
  }, []);
  return [measure, width];
}

export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const media = matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

export const NARROW = "(max-width: 52rem)";

/** The tab's name says how it goes while nobody looks. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
}
