/**
 * Faults, counted: by code, by party, over time.
 *
 * What lives here: filters and sums. What never will: what a code means (the gateway's fault table).
 */

import type { FaultSeen } from "../api";
import type { Params } from "./route";

export const PARTY_ORDER = [
  "provider",
  "gateway",
  "configuration",
  "application",
  "tool",
  "store",
  "user_network",
  "user_device",
] as const;

export const SPANS: Readonly<Record<string, number>> = { "10m": 600_000, "1h": 3_600_000, "24h": 86_400_000 };

export function faultsShown(faults: readonly FaultSeen[], params: Params, now: number): readonly FaultSeen[] {
  const { party = "", code = "", span = "" } = params;
  const from = now - (SPANS[span] ?? Infinity);
  return faults.filter(
    (fault) => (party === "" || fault.party === party) && (code === "" || fault.code === code) && fault.at >= from,
  );
}

/** One code: how often, how many sessions it met, since when. */
export interface Blamed {
  readonly code: string;
  readonly party: string;
  readonly message: string;
  readonly remedy: string;
  readonly count: number;
  readonly sessions: number;
  readonly ended: number;
  readonly first: number;
  readonly last: number;
}

/** The most frequent first. */
export function byCode(faults: readonly FaultSeen[]): readonly Blamed[] {
  const groups = new Map<string, FaultSeen[]>();
  for (const fault of faults) {
    const group = groups.get(fault.code);
    if (group === undefined) groups.set(fault.code, [fault]);
    else group.push(fault);
  }
  const all = [...groups].flatMap(([code, met]) => {
    const [first] = met;
    const last = met.at(-1);
    if (first === undefined || last === undefined) return [];
    const sessions = new Set(met.map(({ session }) => session ?? ""));
    return {
      code,
      party: last.party,
      message: last.message,
      remedy: last.remedy ?? "",
      count: met.length,
      sessions: sessions.size - (sessions.has("") ? 1 : 0),
      ended: met.filter(({ ended }) => ended === true).length,
      first: first.at,
      last: last.at,
    };
  });
  return all.sort((one, other) => other.count - one.count || other.last - one.last);
}

/** Parties in their usual order; unknown ones behind them. */
export function parties(faults: readonly FaultSeen[]): readonly string[] {
  const known: readonly string[] = PARTY_ORDER;
  const others = new Set(faults.map(({ party }) => party).filter((party) => !known.includes(party)));
  return [...known, ...others];
}
