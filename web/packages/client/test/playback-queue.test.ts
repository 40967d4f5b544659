import { describe, expect, it } from "vitest";
import { PlaybackQueue } from "../src/playback-queue";
import { SEEDS, seeded, whole } from "./seeded";

const LOUD = 16_384;

function pcm(samples: number, value = LOUD): Int16Array {
  return new Int16Array(samples).fill(value);
}

function render(queue: PlaybackQueue, samples: number): Float32Array {
  const out = new Float32Array(samples);
  for (let at = 0; at < samples; at += 128) queue.render(out.subarray(at, Math.min(at + 128, samples)));
  return out;
}

describe("the playback queue", () => {
  it("waits for 60 ms before it begins, then fades in", () => {
    const queue = new PlaybackQueue();
    queue.begin(0, "a");
    queue.push(0, pcm(1_439));
    expect(Math.max(...render(queue, 256))).toBe(0);
    queue.push(0, pcm(481));
    const heard = render(queue, 256);
    expect(heard[0]).toBeLessThan(0.01);
    expect(heard[200]).toBeCloseTo(0.5, 5);
  });

  it("does not wait for more when no more comes", () => {
    const queue = new PlaybackQueue();
    queue.begin(0, "a");
    queue.push(0, pcm(300));
    queue.finish();
    expect(Math.max(...render(queue, 384))).toBeCloseTo(0.5, 5);
    expect(queue.phase).toBe("idle");
    expect(queue.underruns).toBe(0);
    expect(queue.current).toEqual({ itemId: "a", played: 300, audible: 300 });
  });

  it("is silent 5 ms after a flush and drops what comes late", () => {
    const queue = new PlaybackQueue();
    queue.begin(0, "a");
    queue.push(0, pcm(24_000));
    render(queue, 2_400);
    queue.flush();
    const heard = queue.current;
    expect(heard).toMatchObject({ itemId: "a", played: 2_400 });
    queue.push(0, pcm(4_800));
    const tail = render(queue, 2_400);
    expect(tail.slice(120).every((sample) => sample === 0)).toBe(true);
    expect(queue.phase).toBe("idle");
    queue.push(0, pcm(4_800));
    expect(Math.max(...render(queue, 2_400))).toBe(0);
  });

  it("plays the answer that was announced after a flush", () => {
    const queue = new PlaybackQueue();
    queue.begin(0, "a");
    queue.push(0, pcm(24_000));
    render(queue, 2_400);
    queue.flush();
    queue.begin(1, "b");
    queue.push(1, pcm(2_400));
    queue.finish();
    expect(Math.max(...render(queue, 4_800))).toBeCloseTo(0.5, 5);
    expect(queue.current).toEqual({ itemId: "b", played: 2_400, audible: 2_400 });
  });

  it("goes from one item to the next without a gap", () => {
    const queue = new PlaybackQueue();
    queue.begin(0, "a");
    queue.push(0, pcm(1_500));
    queue.begin(1, "b");
    queue.push(1, pcm(1_500));
    queue.finish();
    const heard = render(queue, 3_072);
    expect(heard.slice(120, 3_000).every((sample) => Math.abs(sample - 0.5) < 1e-6)).toBe(true);
  });

  it("counts an underrun when an item goes on after silence, and waits longer the next time", () => {
    const queue = new PlaybackQueue();
    queue.begin(0, "a");
    queue.push(0, pcm(1_440));
    render(queue, 4_096);
    expect(queue.phase).toBe("gathering");
    expect(queue.underruns).toBe(0);
    queue.push(0, pcm(1_440));
    expect(queue.underruns).toBe(1);
    expect(queue.startMs).toBe(90);
    expect(Math.max(...render(queue, 256))).toBe(0);
  });

  it("tells a word that was cut off from silence after the last one", () => {
    const queue = new PlaybackQueue();
    queue.begin(0, "a");
    queue.push(0, pcm(4_800));
    queue.push(0, pcm(4_800, 5));
    queue.finish();
    render(queue, 4_608);
    queue.flush();
    expect(queue.current).toEqual({ itemId: "a", played: 4_608, audible: 4_800 });
    queue.begin(1, "b");
    queue.push(1, Int16Array.from([...pcm(4_800), ...pcm(4_800, 5)]));
    render(queue, 6_400);
    expect(queue.current).toMatchObject({ itemId: "b", audible: 4_800 });
    expect(queue.current!.played).toBeGreaterThan(4_800);
  });

  it("refuses what nobody would wait for", () => {
    const queue = new PlaybackQueue();
    queue.begin(0, "a");
    for (let second = 0; second < 310; second += 1) queue.push(0, pcm(24_000, 1));
    queue.finish();
    render(queue, 310 * 24_000);
    expect(queue.current?.played).toBe(300 * 24_000);
  });

  it.each(SEEDS)("plays every sample once and in order (seed %d)", (seed) => {
    const chance = seeded(seed);
    const queue = new PlaybackQueue();
    const sent: number[] = [];
    const heard: number[] = [];
    let next = 1;
    let last = 0;
    for (let stream = 0; stream < 4; stream += 1) {
      queue.begin(stream, `item${stream}`);
      last = 0;
      for (let message = 0; message < 30; message += 1) {
        const samples = Int16Array.from({ length: 1 + whole(chance, 700) }, () => (next = (next % 30_000) + 1));
        sent.push(...samples);
        last += samples.length;
        queue.push(stream, samples);
        heard.push(...render(queue, 128 * whole(chance, 6)));
      }
      queue.finish();
    }
    while (queue.phase !== "idle") heard.push(...render(queue, 1_280));
    // Fades change how loud a sample is, never whether it comes: with silence left out the rest is a subsequence.
    const exact = heard.map((sample) => Math.round(sample * 32_768));
    let at = 0;
    for (const sample of exact) {
      if (sample === 0) continue;
      const found = sent.indexOf(sample, at);
      if (found >= 0 && found - at < 200) at = found + 1;
    }
    expect(exact.filter((sample) => sample !== 0).length).toBeGreaterThan(sent.length - 150 * (queue.underruns + 2));
    expect(queue.current?.played).toBe(last);
    expect(at).toBeGreaterThan(sent.length - 200);
  });
});
