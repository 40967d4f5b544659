import { describe, expect, it } from "vitest";
import { Downlink, type Arrival } from "../src/downlink";
import type { GatewayMessage } from "../src/protocol";
import { writeU64 } from "../src/wire";
import type { ToPlayback } from "../src/worker-messages";

interface Bench {
  readonly downlink: Downlink;
  readonly played: ToPlayback[];
  audio(offset: number, stream: number, first?: number, samples?: number[]): Arrival;
  text(message: GatewayMessage): Arrival;
}

function bench(): Bench {
  const played: ToPlayback[] = [];
  const downlink = new Downlink((message) => played.push(message));
  return {
    downlink,
    played,
    audio(offset, stream, first = 0, samples = [1, 2]) {
      const bytes = new ArrayBuffer(24 + 2 * samples.length);
      const view = new DataView(bytes);
      writeU64(view, 0, offset);
      view.setUint32(8, stream, true);
      writeU64(view, 16, first);
      new Int16Array(bytes, 24).set(samples);
      return downlink.binary(bytes);
    },
    text(message) {
      const arrival = downlink.arrived(message.offset);
      if (arrival === "new") downlink.text(message);
      return arrival;
    },
  };
}

const started = (offset: number, stream: number, responseId = "r1") =>
  ({ type: "audio_started", responseId, itemId: `item${stream}`, stream, offset }) as const;

function sounds(played: readonly ToPlayback[]): number[] {
  return played.flatMap((message) => (message.type === "audio" ? [...message.pcm] : []));
}

describe("the downlink", () => {
  it("plays what belongs to an announced stream and nothing else", () => {
    const { text, played, audio } = bench();
    text(started(1, 7));
    audio(2, 7);
    audio(3, 8);
    expect(played.map(({ type }) => type)).toEqual(["begin", "audio"]);
  });

  it("drops what came before, text and audio alike", () => {
    const { text, played, audio } = bench();
    text(started(1, 1));
    audio(2, 1);
    expect(audio(2, 1)).toBe("old");
    expect(text(started(2, 2))).toBe("old");
    expect(played).toHaveLength(2);
  });

  it("acts on nothing behind a hole, and goes on when the hole is filled", () => {
    const { downlink, text, played, audio } = bench();
    text(started(1, 1));
    expect(audio(3, 1, 2, [3, 4])).toBe("hole");
    expect(text({ type: "response_done", responseId: "r1", status: "completed", offset: 4 })).toBe("hole");
    expect(downlink.offset).toBe(1);
    expect([audio(2, 1), audio(3, 1, 2, [3, 4])]).toEqual(["new", "new"]);
    expect(sounds(played)).toEqual([1, 2, 3, 4]);
  });

  it("lets pass what stands outside of the order", () => {
    const { downlink, text } = bench();
    expect(text({ type: "error", code: "NO_SESSION_EXISTS", message: "" })).toBe("new");
    expect(downlink.offset).toBe(0);
  });

  it("never plays a sample twice, under whatever number it comes", () => {
    const { text, played, audio } = bench();
    text(started(1, 1));
    audio(2, 1, 0, [1, 2, 3]);
    audio(3, 1, 1, [2, 3, 4]);
    audio(4, 1, 0, [1, 2]);
    audio(5, 1, 4, [5]);
    expect(sounds(played)).toEqual([1, 2, 3, 4, 5]);
  });

  it("is silent at a barge-in, and deaf to the rest of that answer", () => {
    const { text, played, audio } = bench();
    text({ type: "response_started", responseId: "r1", offset: 1 });
    text(started(2, 1));
    text({ type: "interrupted", responseId: "r1", itemId: "item1", playedMs: 10, offset: 3 });
    audio(4, 1);
    text(started(5, 2));
    audio(6, 2);
    expect(played.map(({ type }) => type)).toEqual(["begin", "flush"]);
    text(started(7, 3, "r2"));
    audio(8, 3);
    expect(played.map(({ type }) => type)).toEqual(["begin", "flush", "begin", "audio"]);
  });

  it("starts to count again with a new session, and never gives a stream's number twice", () => {
    const { downlink, text, played, audio } = bench();
    text(started(1, 1));
    downlink.begin();
    text(started(1, 1, "other"));
    audio(2, 1);
    expect(played).toMatchObject([
      { type: "begin", stream: 0 },
      { type: "finish" },
      { type: "begin", stream: 1 },
      { type: "audio", stream: 1 },
    ]);
  });

  it("goes on counting where the gateway says when the past could not be kept", () => {
    const { downlink, text } = bench();
    downlink.begin(40);
    expect([text({ type: "snapshot", items: [], offset: 41 }), downlink.offset]).toEqual(["new", 41]);
  });

  it("does not count damaged messages: the next one tells that something is missing", () => {
    const { downlink, audio } = bench();
    downlink.binary(new ArrayBuffer(5));
    expect(audio(2, 1)).toBe("hole");
  });
});
