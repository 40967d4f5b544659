/** What a gateway tells, for tests: one row, one session. */

import type { FaultSeen, Row, SessionDocument, Snapshot } from "../src/api";
import type { SeenRow } from "../src/model/state";

export const WELL = { microphone: "good", network: "good", gateway: "good", upstream: "good", speaker: "good" } as const;

export function row(id: string, changed: Partial<Row> = {}): Row {
  return {
    id,
    source: "browser",
    customer: "C-…07",
    upstream: { name: "openai", kind: "openai", model: "gpt-realtime-2.1" },
    state: "live",
    beganAt: 1_000,
    turns: 2,
    attention: 0,
    why: "All well.",
    health: WELL,
    faults: 0,
    ...changed,
  };
}

export function seen(...rows: Row[]): ReadonlyMap<string, SeenRow> {
  return new Map(rows.map((each) => [each.id, { ...each, asOf: 5_000 }]));
}

export function fault(id: number, changed: Partial<FaultSeen> = {}): FaultSeen {
  return { id, at: 1_000 * id, code: "provider.stalled", party: "provider", message: "It stopped.", session: "s1", ...changed };
}

export function snapshot(at: number, rows: readonly Row[], changed: Partial<Snapshot> = {}): Snapshot {
  const gateway = { version: "1", uptimeS: 60, state: "serving", sessions: rows.length };
  return { at, gateway, rows, faults: [], ...changed };
}

export function session(changed: Partial<SessionDocument> = {}): SessionDocument {
  return {
    row: row("s1"),
    timeline: [
      { t_ms: 0, lane: "client", kind: "began", text: "Began." },
      { t_ms: 2_000, lane: "user", kind: "turn", text: "Spoke.", durationMs: 1_000 },
      { t_ms: 3_400, lane: "fault", kind: "fault", text: "provider.stalled" },
      { t_ms: 4_000, lane: "assistant", kind: "answer", text: "Answered.", durationMs: 6_000 },
    ],
    turns: [
      {
        n: 1,
        began_ms: 2_000,
        endedMs: 3_000,
        silenceMs: 1_000,
        segments: [
          { name: "endpointing", ms: 400 },
          { name: "thinking", ms: 600 },
        ],
      },
    ],
    ...changed,
  };
}
