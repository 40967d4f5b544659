import { describe, expect, it } from "vitest";
import { CATCH_UP_SPEED, Uplink } from "../src/uplink";
import { readU64 } from "../src/wire";
import { SEEDS, seeded, whole } from "./seeded";

const FRAME = 480;

function count(from: number, length: number): Int16Array {
  return Int16Array.from({ length }, (_, index) => (from + index) % 30_000);
}

interface Piece {
  readonly first: number;
  readonly samples: Int16Array;
}

function piece(message: ArrayBuffer): Piece {
  return { first: readU64(new DataView(message), 0), samples: new Int16Array(message, 8) };
}

/** Everything that may leave at a moment when no pace holds it back. */
function all(uplink: Uplink, now = 1e9): Piece[] {
  const begun = uplink.next(0);
  const sent = begun === undefined ? [] : [piece(begun)];
  for (let message = uplink.next(now); message !== undefined; message = uplink.next(now)) sent.push(piece(message));
  return sent;
}

function places(pieces: readonly Piece[]): [number, number][] {
  return pieces.map(({ first, samples }) => [first, samples.length]);
}

describe("the uplink", () => {
  it("sends nothing before there is a session, and then everything from its sample 0", () => {
    const uplink = new Uplink();
    uplink.capture(count(0, 960));
    expect(uplink.next(0)).toBeUndefined();
    uplink.begin(false);
    expect(places([uplink.next(0), uplink.next(0)].map((each) => piece(each!)))).toEqual([
      [0, 480],
      [480, 480],
    ]);
  });

  it("goes on where the gateway says, in the same numbers", () => {
    const uplink = new Uplink();
    uplink.begin(false);
    uplink.capture(count(0, 960));
    uplink.next(0);
    uplink.next(0);
    uplink.close();
    uplink.capture(count(960, 480));
    uplink.resume(480, 0);
    expect(places([uplink.next(0)!, uplink.next(0)!].map(piece))).toEqual([
      [480, 480],
      [960, 480],
    ]);
    expect(uplink.takeLosses()).toEqual([]);
  });

  it("keeps what is not durable where there is a journal, for a gateway that dies", () => {
    const uplink = new Uplink();
    uplink.begin(true);
    uplink.capture(count(0, 960));
    uplink.next(0);
    uplink.next(0);
    uplink.acknowledged(960, 480);
    uplink.close();
    uplink.resume(480, 480);
    const again = piece(uplink.next(0)!);
    expect(again.first).toBe(480);
    expect([...again.samples]).toEqual([...count(480, 480)]);
  });

  it("sends what nobody acknowledged once more into a new session, in its numbers", () => {
    const uplink = new Uplink();
    uplink.begin(false);
    uplink.capture(count(0, 1_440));
    for (let each = 0; each < 3; each += 1) uplink.next(0);
    uplink.acknowledged(480, 0);
    uplink.close();
    uplink.capture(count(1_440, 480));
    uplink.begin(false);
    expect(places([uplink.next(0)!, uplink.next(0)!, uplink.next(0)!].map(piece))).toEqual([
      [0, 480],
      [480, 480],
      [960, 480],
    ]);
  });

  it("goes on after a reload in the session's numbers, with what is spoken from now on", () => {
    const uplink = new Uplink();
    uplink.adopt(50_000, false);
    uplink.capture(count(0, 480));
    expect(piece(uplink.next(0)!).first).toBe(50_000);
    uplink.acknowledged(50_480, 0);
    expect(uplink.counts.waiting).toBe(0);
    expect(uplink.takeLosses()).toEqual([]);
  });

  it("is behind what another window said when the conversation is fetched back, with what it had not sent", () => {
    const uplink = new Uplink();
    uplink.begin(false);
    uplink.capture(count(0, 960));
    uplink.next(0);
    uplink.close();
    // The other one spoke for two seconds: the gateway has more than was ever sent from here.
    uplink.resume(48_480, 48_480);
    uplink.capture(count(960, 480));
    expect(places([uplink.next(0)!, uplink.next(0)!].map(piece))).toEqual([
      [48_480, 480],
      [48_960, 480],
    ]);
    uplink.acknowledged(49_440, 49_440);
    expect(uplink.counts.waiting).toBe(0);
    expect(uplink.takeLosses()).toEqual([]);
  });

  it("names what the ring could not keep, once, also when the gateway names it too", () => {
    const uplink = new Uplink(1);
    uplink.begin(false);
    uplink.capture(count(0, 4_800));
    all(uplink);
    uplink.acknowledged(2_400, 0);
    uplink.close();
    uplink.capture(count(4_800, 24_000));
    // What was in flight may have arrived: only the gateway knows.
    expect(uplink.takeLosses()).toEqual([]);
    uplink.capture(count(28_800, 480));
    expect(uplink.takeLosses()).toEqual([{ from: 4_800, to: 5_280 }]);
    uplink.resume(3_600, 0);
    expect(uplink.takeLosses()).toEqual([{ from: 3_600, to: 4_800 }]);
    expect(piece(uplink.next(0)!).first).toBe(5_280);
    uplink.told({ from: 3_600, to: 5_280 });
    expect(uplink.takeLosses()).toEqual([]);
  });

  it("forgets without a word what a living session was sent", () => {
    const uplink = new Uplink(1);
    uplink.begin(false);
    uplink.capture(count(0, 24_000));
    all(uplink);
    uplink.capture(count(24_000, 480));
    expect(uplink.takeLosses()).toEqual([]);
  });

  it("is not fooled by an acknowledgement of what it never sent", () => {
    const uplink = new Uplink();
    uplink.begin(false);
    uplink.capture(count(0, 960));
    uplink.acknowledged(1e9, 1e9);
    expect(all(uplink).reduce((sum, { samples }) => sum + samples.length, 0)).toBe(960);
  });

  it("does not say again in a renewed session what the old one has", () => {
    const uplink = new Uplink();
    uplink.begin(true);
    uplink.capture(count(0, 960));
    uplink.next(0);
    uplink.next(0);
    uplink.acknowledged(960, 0);
    uplink.settle();
    uplink.begin(true);
    expect(uplink.next(0)).toBeUndefined();
  });

  it("keeps as much as the gateway wishes", () => {
    const uplink = new Uplink(1);
    uplink.keep(2);
    uplink.capture(count(0, 48_000));
    expect(uplink.counts).toEqual({ waiting: 48_000, capacity: 48_000 });
    uplink.keep(1);
    expect(uplink.takeLosses()).toEqual([{ from: 0, to: 24_000 }]);
  });

  it("catches up in pieces of 100 ms at its pace, with what is spoken meanwhile behind", () => {
    const uplink = new Uplink();
    uplink.capture(count(0, 30 * 24_000));
    uplink.begin(false);
    let now = 0;
    let due = 0;
    const pieces = new Set<number>();
    while (uplink.behind || now === 0) {
      for (let message = uplink.next(now); message !== undefined; message = uplink.next(now)) {
        const { first, samples } = piece(message);
        expect(first).toBe(due);
        due += samples.length;
        pieces.add(samples.length);
      }
      now += 20;
      uplink.capture(count(uplink.counts.waiting, FRAME));
      expect(due).toBeLessThanOrEqual(24_000 + ((CATCH_UP_SPEED + 1) * now * 24_000) / 1_000);
    }
    expect([...pieces][0]).toBe(2_400);
    expect(now).toBeGreaterThan(3_500);
    expect(now).toBeLessThanOrEqual(3_680);
  });
});

/** A gateway as far as the uplink sees one: what it heard of each session, by microphone position. */
class Ear {
  readonly heard: number[] = [];
  durable = 0;

  /** Positions must follow one another; where they jump, a loss is named. */
  hear({ first, samples }: Piece): { from: number; to: number } | undefined {
    const from = this.heard.length;
    expect(first).toBeGreaterThanOrEqual(from);
    for (let at = from; at < first; at += 1) this.heard.push(Number.NaN);
    this.heard.push(...samples);
    return first > from ? { from, to: first } : undefined;
  }

  /** Killed: only what was written down is left. */
  die(): void {
    this.heard.length = Math.min(this.heard.length, this.durable);
  }
}

describe.each([
  ["a journal", true],
  ["no journal", false],
])("with %s", (_, keepsDurable) => {
  it.each(SEEDS)("delivered + named as lost = produced, in order, nothing twice (seed %d)", (seed) => {
    const chance = seeded(seed);
    const uplink = new Uplink(1);
    let ear = new Ear();
    const told: number[] = [];
    const delivered: number[] = [];
    let lost = 0;
    let produced = 0;
    let open = false;
    let now = 0;
    let acked = 0;
    const name = (): void => {
      for (const { from, to } of uplink.takeLosses()) {
        lost += to - from;
        for (let at = from; at < to; at += 1) told.push(at);
      }
    };
    const pump = (budget: number): void => {
      for (let each = 0; each < budget; each += 1) {
        const message = uplink.next(now);
        if (message === undefined) return;
        // A dying line swallows what is on its way.
        if (!open) continue;
        const gap = ear.hear(piece(message));
        if (gap !== undefined) uplink.told(gap);
        expect(uplink.takeLosses()).toEqual([]);
      }
    };
    const acknowledge = (): void => {
      acked = ear.heard.length - whole(chance, 2) * Math.min(FRAME, ear.heard.length - acked);
      ear.durable = Math.max(ear.durable, Math.min(acked, ear.durable + whole(chance, 4_000)));
      uplink.acknowledged(acked, ear.durable);
    };
    const fresh = (): void => {
      // What the old session is known to have is delivered, the rest is said again.
      const safe = keepsDurable ? ear.durable : acked;
      delivered.push(...ear.heard.slice(0, safe).filter((value) => !Number.isNaN(value)));
      ear = new Ear();
      acked = 0;
      uplink.begin(keepsDurable);
      name();
      open = true;
    };
    fresh();
    for (let step = 0; step < 300; step += 1) {
      now += whole(chance, 60);
      const roll = chance();
      if (roll < 0.6) {
        uplink.capture(count(produced, FRAME));
        produced += FRAME;
        name();
        pump(2);
      } else if (roll < 0.75) {
        pump(8);
      } else if (roll < 0.9) {
        if (open) acknowledge();
      } else if (open) {
        // The last pieces leave and may arrive or not; nobody hears of them.
        if (chance() < 0.5) pump(3);
        open = false;
        pump(3);
        uplink.close();
      } else if (chance() < 0.7) {
        if (keepsDurable && chance() < 0.3) ear.die();
        open = true;
        acked = ear.heard.length;
        uplink.resume(acked, ear.durable);
        name();
      } else {
        fresh();
      }
    }
    if (!open) {
      open = true;
      uplink.resume(ear.heard.length, ear.durable);
      name();
    }
    for (let second = 0; second < 5; second += 1) {
      now += 1_000;
      pump(1_000);
    }
    delivered.push(...ear.heard.filter((value) => !Number.isNaN(value)));

    expect(delivered.length + lost).toBe(produced);
    const gone = new Set(told);
    const expected = count(0, produced).filter((_value, at) => !gone.has(at));
    // Compared by hand: a matcher would write out a hundred thousand numbers.
    expect(delivered.findIndex((value, at) => value !== expected[at])).toBe(-1);
  });
});
