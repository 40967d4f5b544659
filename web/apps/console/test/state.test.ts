import { describe, expect, it } from "vitest";
import { FAULTS_MAX, gatewayNow, initialState, reduce, SPENT_MAX, staleness, type ConsoleState } from "../src/model/state";
import { fault, row, snapshot } from "./told";

const HERE = 50_000;

function begun(...ids: string[]): ConsoleState {
  const rows = ids.map((id) => row(id));
  return reduce(initialState(0), { type: "snapshot", here: HERE, told: snapshot(9_000, rows) });
}

describe("the stream", () => {
  it("replaces what was known by a snapshot, and keeps what a change does not name", () => {
    let state = begun("a", "b");
    const untouched = state.rows.get("b");
    state = reduce(state, {
      type: "changes",
      here: HERE + 900,
      told: { at: 9_900, rows: [row("a", { turns: 3 }), row("c")], faults: [fault(1)] },
    });

    expect([...state.rows.keys()]).toEqual(["a", "b", "c"]);
    expect(state.rows.get("a")).toMatchObject({ turns: 3, asOf: 9_900 });
    expect(state.rows.get("b")).toBe(untouched);
    expect(state.gateway?.sessions).toBe(2);

    state = reduce(state, { type: "snapshot", here: HERE + 2_000, told: snapshot(11_000, [row("d")]) });
    expect([...state.rows.keys()]).toEqual(["d"]);
    expect(state.faults.map(({ id }) => id)).toEqual([1]);
  });

  it("mixes no faults of a gateway that was started anew with those of the one before", () => {
    const told = snapshot(9_000, [], { faults: [fault(1), fault(2), fault(3)] });
    const before = reduce(initialState(0), { type: "snapshot", here: HERE, told });
    const gateway = { ...told.gateway, uptimeS: 2 };
    const anew = snapshot(20_000, [], { gateway, faults: [fault(1, { at: 19_000, session: "s9" })] });
    const state = reduce(before, { type: "snapshot", here: HERE + 11_000, told: anew });
    expect(state.faults.map(({ id, session }) => [id, session])).toEqual([[1, "s9"]]);

    const same = { ...told.gateway, uptimeS: 71 };
    const again = snapshot(20_000, [], { gateway: same, faults: [fault(3), fault(4)] });
    const back = reduce(before, { type: "snapshot", here: HERE + 11_000, told: again });
    expect(back.faults.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  });

  it("forgets rows that are gone", () => {
    const state = reduce(begun("a", "b"), { type: "changes", here: HERE, told: { at: 9_100, gone: ["a", "x"] } });
    expect([...state.rows.keys()]).toEqual(["b"]);
  });

  it("leaves the rows' map alone when none changed", () => {
    const state = begun("a");
    expect(reduce(state, { type: "changes", here: HERE, told: { at: 9_100 } }).rows).toBe(state.rows);
  });

  it("knows the gateway's time whatever the page's clock says, and how old what it shows is", () => {
    const state = reduce(begun("a"), { type: "tick", here: HERE + 12_000 });
    expect(gatewayNow(state)).toBe(21_000);
    expect(staleness(state)).toBe(12_000);
    expect(staleness(initialState(0))).toBeUndefined();
  });

  it("keeps what it showed while the line is lost", () => {
    const state = reduce(begun("a"), { type: "line", line: { phase: "lost", at: HERE + 1 } });
    expect(state.line.phase).toBe("lost");
    expect(state.rows.size).toBe(1);
    expect(reduce(state, { type: "changes", here: HERE + 9, told: { at: 9_009 } }).line.phase).toBe("live");
  });
});

describe("what is kept", () => {
  it("has each fault once, in order, whichever way it came, and no more than the bound", () => {
    let state = reduce(begun(), { type: "changes", here: 0, told: { at: 1, faults: [fault(5), fault(6)] } });
    state = reduce(state, { type: "earlier_faults", faults: [fault(3), fault(5)] });
    expect(state.faults.map(({ id }) => id)).toEqual([3, 5, 6]);

    const more = Array.from({ length: FAULTS_MAX + 10 }, (_, at) => fault(100 + at));
    state = reduce(state, { type: "changes", here: 0, told: { at: 2, faults: more } });
    expect(state.faults).toHaveLength(FAULTS_MAX);
    expect(state.faults.at(-1)?.id).toBe(109 + FAULTS_MAX);
  });

  it("remembers what a minute cost at most every ten seconds, for an hour", () => {
    let state = begun();
    const cost = { currency: "USD", today: 1, perMinute: 0.5, rebuilt: 0, wasted: 0 };
    for (let second = 0; second < 4_000; second += 1) {
      state = reduce(state, { type: "changes", here: 0, told: { at: 1_000 * second, cost } });
    }
    expect(state.spent).toHaveLength(SPENT_MAX);
    expect(state.spent[1]!.at - state.spent[0]!.at).toBe(10_000);
  });

  it("shows a document until there is a newer one, also while it asks or is refused", () => {
    const document = { row: row("a"), timeline: [], turns: [] };
    let state = reduce(begun("a"), { type: "session", id: "a", asked: { asking: false, value: document } });
    state = reduce(state, { type: "session", id: "a", asked: { asking: true } });
    expect(state.sessions.get("a")).toEqual({ asking: true, value: document });
    const refusal = { code: "X", message: "No." };
    state = reduce(state, { type: "session", id: "a", asked: { asking: false, refusal } });
    expect(state.sessions.get("a")).toEqual({ asking: false, value: document, refusal });
    expect(reduce(state, { type: "left", id: "a" }).sessions.size).toBe(0);
  });
});

it("puts a timeline in order of time: an answer is told when it is over", () => {
  const late = { t_ms: 5, lane: "assistant", kind: "answer", text: "Answered.", durationMs: 9 };
  const early = { t_ms: 7, lane: "user", kind: "words", text: "Words." };
  const value = { row: row("a"), timeline: [early, late], turns: [] };
  const state = reduce(begun("a"), { type: "session", id: "a", asked: { asking: false, value } });
  expect(state.sessions.get("a")?.value?.timeline).toEqual([late, early]);
});
