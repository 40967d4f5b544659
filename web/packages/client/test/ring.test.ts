import { describe, expect, it } from "vitest";
import { SampleRing, type Span } from "../src/ring";
import { SpanSet } from "../src/spans";
import { SEEDS, seeded, whole } from "./seeded";

function count(from: number, length: number): Int16Array {
  return Int16Array.from({ length }, (_, index) => (from + index) % 30_000);
}

describe("the ring", () => {
  it("keeps the newest and names what had to go", () => {
    const ring = new SampleRing(10);
    expect(ring.push(count(0, 8))).toBeUndefined();
    expect(ring.push(count(8, 5))).toEqual({ from: 0, to: 3 });
    const held = new Int16Array(10);
    ring.copy(3, held);
    expect([...held]).toEqual([...count(3, 10)]);
  });

  it("survives a push larger than itself", () => {
    const ring = new SampleRing(4);
    expect(ring.push(count(0, 11))).toEqual({ from: 0, to: 7 });
    const held = new Int16Array(4);
    ring.copy(7, held);
    expect([...held]).toEqual([7, 8, 9, 10]);
  });

  it("refuses to give what it does not hold", () => {
    const ring = new SampleRing(4);
    ring.push(count(0, 4));
    ring.release(2);
    expect(() => ring.copy(1, new Int16Array(1))).toThrow(RangeError);
    expect(() => ring.copy(3, new Int16Array(2))).toThrow(RangeError);
  });

  it.each(SEEDS)("accounts for every sample, whatever its size (seed %d)", (seed) => {
    const chance = seeded(seed);
    const ring = new SampleRing(1 + whole(chance, 60));
    let lost = 0;
    let released = 0;
    const gone = (span: Span | undefined): void => {
      if (span !== undefined) lost += span.to - span.from;
    };
    for (let step = 0; step < 200; step += 1) {
      const roll = chance();
      if (roll < 0.7) {
        gone(ring.push(count(ring.end, whole(chance, 90))));
      } else if (roll < 0.75) {
        gone(ring.resize(1 + whole(chance, 60)));
      } else {
        const before = ring.start;
        ring.release(whole(chance, ring.end + 20));
        released += ring.start - before;
      }
      const held = new Int16Array(ring.end - ring.start);
      ring.copy(ring.start, held);
      expect([...held]).toEqual([...count(ring.start, held.length)]);
      expect(held.length).toBeLessThanOrEqual(ring.capacity);
      expect(held.length + lost + released).toBe(ring.end);
    }
  });
});

describe("named spans", () => {
  it("are named once, part by part", () => {
    const spans = new SpanSet();
    expect(spans.add({ from: 10, to: 20 })).toEqual([{ from: 10, to: 20 }]);
    expect(spans.add({ from: 10, to: 20 })).toEqual([]);
    expect(spans.add({ from: 30, to: 40 })).toEqual([{ from: 30, to: 40 }]);
    expect(spans.add({ from: 5, to: 45 })).toEqual([
      { from: 5, to: 10 },
      { from: 20, to: 30 },
      { from: 40, to: 45 },
    ]);
  });

  it.each(SEEDS)("hold exactly what was added (seed %d)", (seed) => {
    const chance = seeded(seed);
    const spans = new SpanSet();
    const named = new Set<number>();
    for (let step = 0; step < 100; step += 1) {
      const from = whole(chance, 100);
      const to = from + whole(chance, 20);
      const fresh = spans.add({ from, to }).flatMap((span) => [...count(span.from, span.to - span.from)]);
      const expected = [...count(from, to - from)].filter((position) => !named.has(position));
      expect(fresh).toEqual(expected);
      for (const position of fresh) named.add(position);
    }
  });
});
