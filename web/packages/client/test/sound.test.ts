import { describe, expect, it } from "vitest";
import { Framer, FRAME_SAMPLES, toInt16 } from "../src/framer";
import { Resampler } from "../src/resampler";
import { SEEDS, seeded, whole } from "./seeded";

const RATES = [8_000, 16_000, 44_100, 48_000, 96_000];

function tone(hz: number, rate: number, seconds: number): Float32Array {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, at) => Math.sin((2 * Math.PI * hz * at) / rate));
}

function convert(input: Float32Array, from: number, block: () => number = () => 128): Float32Array {
  const resampler = new Resampler(from, 24_000);
  const parts: number[] = [];
  for (let at = 0; at < input.length; ) {
    const size = Math.min(block(), input.length - at);
    parts.push(...resampler.push(input.subarray(at, at + size)));
    at += size;
  }
  return Float32Array.from(parts);
}

/** Loudness of what differs, against a full-scale sine, in dB; the filter's ends are left out. */
function difference(found: Float32Array, ideal: Float32Array): number {
  let sum = 0;
  const margin = 1_000;
  const end = Math.min(found.length, ideal.length) - margin;
  for (let at = margin; at < end; at += 1) sum += (found[at]! - ideal[at]!) ** 2;
  return 10 * Math.log10((2 * sum) / (end - margin) + 1e-20);
}

describe("the resampler", () => {
  for (const rate of RATES) {
    const highest = Math.min(rate, 24_000) * 0.44;
    it.each([110, 1_000, highest * 0.5, highest])(`gives ${rate} Hz -> 24 kHz the same tone of %d Hz`, (hz) => {
      const found = convert(tone(hz, rate, 0.5), rate);
      expect(difference(found, tone(hz, 24_000, 0.5))).toBeLessThan(-70);
    });
  }

  it.each([12_100, 13_000, 16_000, 20_000, 23_500])("lets nothing of %d Hz fold back", (hz) => {
    const found = convert(tone(hz, 48_000, 0.5), 48_000);
    expect(difference(found, new Float32Array(found.length))).toBeLessThan(-70);
  });

  it.each(SEEDS.slice(0, 20))("does not care how the sound is cut into blocks (seed %d)", (seed) => {
    const chance = seeded(seed);
    const rate = RATES[whole(chance, RATES.length)]!;
    const input = Float32Array.from({ length: 9_000 }, () => chance() * 2 - 1);
    const whole128 = convert(input, rate);
    const odd = convert(input, rate, () => 1 + whole(chance, 1_024));
    expect(odd).toEqual(whole128);
  });

  it("keeps time: as many samples come out as belong to what went in", () => {
    for (const rate of RATES) {
      const found = convert(new Float32Array(rate * 2), rate).length;
      expect(Math.abs(found - 48_000)).toBeLessThan(300);
    }
  });
});

describe("the framer", () => {
  it("cuts 20 ms frames and loses nothing at the end", () => {
    const frames: number[] = [];
    const framer = new Framer(24_000, (_, samples) => frames.push(samples));
    for (let quantum = 0; quantum < 10; quantum += 1) framer.push(new Float32Array(128));
    framer.flush();
    framer.flush();
    expect(frames).toEqual([480, 480, 320]);
  });

  it.each([
    [0, 0],
    [1, 32_767],
    [-1, -32_768],
    [1.7, 32_767],
    [-3, -32_768],
    [0.5, 16_384],
  ])("turns %d into %d: full scale clamps and never wraps", (sample, expected) => {
    expect(toInt16(sample)).toBe(expected);
  });

  it("is silent, not absent, while muted", () => {
    const heard: number[] = [];
    const framer = new Framer(24_000, (buffer) => heard.push(...new Int16Array(buffer)));
    framer.muted = true;
    framer.push(new Float32Array(FRAME_SAMPLES).fill(0.5));
    expect(heard).toEqual(new Array(FRAME_SAMPLES).fill(0));
    expect(framer.takePeak()).toBe(0);
  });

  it("uses memory that came back", () => {
    const buffers: ArrayBuffer[] = [];
    const framer = new Framer(24_000, (buffer) => buffers.push(buffer));
    const block = new Float32Array(FRAME_SAMPLES);
    framer.push(block);
    framer.recycle(buffers[0]!);
    framer.push(block);
    framer.push(block);
    expect(buffers[2]).toBe(buffers[0]);
  });
});
