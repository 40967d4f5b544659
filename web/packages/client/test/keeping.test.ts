import { describe, expect, it } from "vitest";
import { Heard, ITEMS_KEPT } from "../src/heard";
import { COMMANDS_MAX, Outbox } from "../src/outbox";
import { slept } from "../src/sleep";

describe("a typed sentence", () => {
  it("waits until the gateway has confirmed it, and can be told from its own repetition", () => {
    const outbox = new Outbox();
    outbox.give("1", "When?");
    outbox.give("2", "How much?");
    expect(outbox.waiting.map(({ eventId }) => eventId)).toEqual(["1", "2"]);
    outbox.confirmed("1");
    outbox.confirmed(undefined);
    expect(outbox.waiting.map(({ text }) => text)).toEqual(["How much?"]);
    expect(outbox.clear()).toEqual(["2"]);
    expect(outbox.waiting).toEqual([]);
  });

  it("is one of a bounded number: one too many is not taken, and pushes out no other", () => {
    const outbox = new Outbox();
    for (let each = 0; each < COMMANDS_MAX; each += 1) expect(outbox.give(String(each), String(each))).toBeDefined();
    expect(outbox.give("late", "late")).toBeUndefined();
    expect(outbox.waiting).toHaveLength(COMMANDS_MAX);
    expect(outbox.waiting[0]?.text).toBe("0");
  });
});

describe("what was heard", () => {
  it("is told once more after a break, the newest position of each item", () => {
    const heard = new Heard();
    expect(heard.report("a", 24_000, 20)).toBe(980);
    heard.report("b", 48_000, 0);
    heard.report("a", 30_000, 0);
    expect([...heard.again()]).toEqual([
      { type: "played", itemId: "b", ms: 2_000 },
      { type: "played", itemId: "a", ms: 1_250 },
    ]);
  });

  it("never goes back", () => {
    const heard = new Heard();
    heard.report("a", 24_000, 0);
    expect(heard.report("a", 24_000, 100)).toBe(1_000);
  });

  it("is kept of the last few items", () => {
    const heard = new Heard();
    for (let item = 0; item < 20; item += 1) heard.report(String(item), 240, 0);
    expect([...heard.again()]).toHaveLength(ITEMS_KEPT);
  });
});

describe("sleep", () => {
  it.each([
    ["an ordinary tick", 50, 50, false],
    ["a busy machine", 4_000, 4_000, false],
    ["a clock that stood still while the wall clock went on", 60_000, 50, true],
    ["a short nap", 2_600, 100, true],
    ["a long gap on a system whose clocks both go on", 30_000, 30_000, true],
    ["a wall clock that was set back", -3_600_000, 50, false],
  ])("%s", (_, wall, steady, expected) => {
    expect(slept({ wall: 1e9, steady: 5_000 }, { wall: 1e9 + wall, steady: 5_000 + steady })).toBe(expected);
  });
});
