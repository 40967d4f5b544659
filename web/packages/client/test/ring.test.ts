import { describe, expect, it } from "vitest";
import { SampleRing } from "../src/ring";
import { Uplink } from "../src/uplink";
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

  it.each(SEEDS)("accounts for every sample (seed %d)", (seed) => {
    const chance = seeded(seed);
    const ring = new SampleRing(1 + whole(chance, 60));
    let lost = 0;
    let released = 0;
    for (let step = 0; step < 200; step += 1) {
      if (chance() < 0.7) {
        const gone = ring.push(count(ring.end, whole(chance, 90)));
        if (gone !== undefined) lost += gone.to - gone.from;
      } else {
        const before = ring.start;
        ring.release(whole(chance, ring.end + 20));
        released += ring.start - before;
      }
      const held = new Int16Array(ring.end - ring.start);
      ring.copy(ring.start, held);
      expect([...held]).toEqual([...count(ring.start, held.length)]);
      expect(held.length + lost + released).toBe(ring.end);
    }
  });
});

describe("the uplink", () => {
  function positions(uplink: Uplink): [number, number][] {
    const sent: [number, number][] = [];
    for (let message = uplink.next(); message !== undefined; message = uplink.next()) {
      sent.push([new DataView(message).getUint32(0, true), (message.byteLength - 8) / 2]);
    }
    return sent;
  }

  it("sends nothing before there is a session, and then everything from its sample 0", () => {
    const uplink = new Uplink();
    uplink.capture(count(0, 960));
    expect(uplink.next()).toBeUndefined();
    uplink.open();
    expect(positions(uplink)).toEqual([
      [0, 480],
      [480, 480],
    ]);
  });

  it("sends what nobody acknowledged once more, in the numbers of the new session", () => {
    const uplink = new Uplink();
    uplink.open();
    uplink.capture(count(0, 1_440));
    positions(uplink);
    uplink.received(480);
    uplink.close();
    uplink.capture(count(1_440, 480));
    uplink.open();
    expect(positions(uplink)).toEqual([
      [0, 480],
      [480, 480],
      [960, 480],
    ]);
  });

  it("catches up in larger messages", () => {
    const uplink = new Uplink();
    uplink.capture(count(0, 24_000));
    uplink.open();
    expect(uplink.behind).toBe(true);
    const sent = positions(uplink);
    expect(sent[0]).toEqual([0, 2_400]);
    expect(sent.reduce((sum, [, samples]) => sum + samples, 0)).toBe(24_000);
  });

  it("is not fooled by an acknowledgement of what it never sent", () => {
    const uplink = new Uplink();
    uplink.open();
    uplink.capture(count(0, 960));
    uplink.received(1e9);
    expect(uplink.counts.received).toBe(0);
    expect(positions(uplink)).toHaveLength(2);
  });

  it("forgets without a word what a living session was sent, and names what it was not", () => {
    const uplink = new Uplink(1);
    uplink.open();
    uplink.capture(count(0, 24_000));
    positions(uplink);
    expect(uplink.capture(count(24_000, 480))).toBeUndefined();
    uplink.close();
    expect(uplink.capture(count(24_480, 480))).toEqual({ from: 480, to: 960 });
  });

  it.each(SEEDS)("never leaves a hole inside a session (seed %d)", (seed) => {
    const chance = seeded(seed);
    const uplink = new Uplink(1);
    let open = false;
    let due = 0;
    let lost = 0;
    for (let step = 0; step < 400; step += 1) {
      const roll = chance();
      if (roll < 0.5) {
        const gone = uplink.capture(count(uplink.counts.captured, 480));
        if (gone !== undefined) lost += gone.to - gone.from;
        // A session whose ring ran over while it slept has a hole that was reported; begin the count anew.
        if (gone !== undefined && open) due = Number.NaN;
      } else if (roll < 0.9) {
        const message = uplink.next();
        if (message !== undefined) {
          const first = new DataView(message).getUint32(0, true);
          if (!Number.isNaN(due)) expect(first).toBe(due);
          due = first + (message.byteLength - 8) / 2;
        }
      } else if (roll < 0.95 && open) {
        if (!Number.isNaN(due)) uplink.received(whole(chance, due + 1));
      } else if (open) {
        uplink.close();
        open = false;
      } else {
        uplink.open();
        open = true;
        due = 0;
      }
    }
    const { captured, received, waiting } = uplink.counts;
    expect(waiting).toBeLessThanOrEqual(24_000);
    expect(received).toBeGreaterThanOrEqual(lost > 0 ? captured - 24_000 : 0);
  });
});
