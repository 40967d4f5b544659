/**
 * How fresh the page is, in words.
 *
 * What lives here: the sentence for each state of the stream. What never will: the stream (`model/console.ts`).
 */

import { type JSX, type ReactNode } from "react";
import { clock, short } from "../model/format";
import { gatewayNow, staleness, type ConsoleState } from "../model/state";
import { useTold } from "./hooks";

/** From here on what is shown is called old. */
const LATE_MS = 4_000;

export interface Fresh {
  readonly kind: "opening" | "live" | "late" | "lost";
  readonly short: string;
  readonly long?: string;
}

export function fresh(state: ConsoleState): Fresh {
  const { line, heard } = state;
  const age = staleness(state);
  if (age === undefined || heard === undefined) {
    if (line.phase !== "lost") return { kind: "opening", short: "Connecting …" };
    const reason = line.reason ?? "The gateway doesn’t answer.";
    return { kind: "lost", short: "No connection", long: `${reason} ${again(line.retryAt, state.now)}` };
  }
  if (line.phase === "live" && age < LATE_MS) return { kind: "live", short: "Live" };
  const shown = `You see how it was ${short(age)} ago, at ${clock(heard.at)}.`;
  if (line.phase === "live") {
    return { kind: "late", short: `${short(age)} old`, long: `Nothing new from the gateway. ${shown}` };
  }
  const retryAt = line.phase === "lost" ? line.retryAt : undefined;
  const long = `The line to the gateway is lost. ${shown} ${again(retryAt, state.now)}`;
  return { kind: "lost", short: "Line lost", long };
}

function again(retryAt: number | undefined, now: number): string {
  const left = retryAt === undefined ? 0 : Math.ceil((retryAt - now) / 1_000);
  return left > 0 ? `Trying again in ${left} s.` : "Trying again.";
}

export function useFresh(): Fresh {
  return JSON.parse(useTold((state) => JSON.stringify(fresh(state)))) as Fresh;
}

/** The gateway's time, to the second. */
export function useGatewayNow(): number {
  return useTold((state) => 1_000 * Math.floor(gatewayNow(state) / 1_000));
}

export function PlainNumber({ children }: { readonly children: ReactNode }): JSX.Element {
  return <span className="c-number">{children}</span>;
}
