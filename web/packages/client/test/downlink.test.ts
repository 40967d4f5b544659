import { describe, expect, it } from "vitest";
import { Downlink } from "../src/downlink";
import { writeU64 } from "../src/wire";
import type { ToPlayback } from "../src/worker-messages";

function bench(): { downlink: Downlink; played: ToPlayback[]; audio(offset: number, stream: number): void } {
  const played: ToPlayback[] = [];
  const downlink = new Downlink((message) => played.push(message));
  return {
    downlink,
    played,
    audio(offset, stream) {
      const bytes = new ArrayBuffer(24 + 4);
      const view = new DataView(bytes);
      writeU64(view, 0, offset);
      view.setUint32(8, stream, true);
      downlink.binary(bytes);
    },
  };
}

const started = (offset: number, stream: number, responseId = "r1") =>
  ({ type: "audio_started", responseId, itemId: `item${stream}`, stream, offset }) as const;

describe("the downlink", () => {
  it("plays what belongs to an announced stream and nothing else", () => {
    const { downlink, played, audio } = bench();
    downlink.text(started(1, 7));
    audio(2, 7);
    audio(3, 8);
    expect(played.map(({ type }) => type)).toEqual(["begin", "audio"]);
  });

  it("drops what came before, text and audio alike", () => {
    const { downlink, played, audio } = bench();
    downlink.text(started(1, 1));
    audio(2, 1);
    audio(2, 1);
    expect(downlink.text(started(2, 2))).toBe(false);
    expect(played).toHaveLength(2);
  });

  it("is silent at a barge-in, and deaf to the rest of that answer", () => {
    const { downlink, played, audio } = bench();
    downlink.text({ type: "response_started", responseId: "r1", offset: 1 });
    downlink.text(started(2, 1));
    downlink.text({ type: "interrupted", responseId: "r1", itemId: "item1", playedMs: 10, offset: 3 });
    audio(4, 1);
    downlink.text(started(5, 2));
    audio(6, 2);
    expect(played.map(({ type }) => type)).toEqual(["begin", "flush"]);
    downlink.text(started(7, 3, "r2"));
    audio(8, 3);
    expect(played.map(({ type }) => type)).toEqual(["begin", "flush", "begin", "audio"]);
  });

  it("starts to count again with a new session, and never gives a stream's number twice", () => {
    const { downlink, played, audio } = bench();
    downlink.text(started(1, 1));
    downlink.begin();
    downlink.text(started(1, 1, "other"));
    audio(2, 1);
    expect(played).toMatchObject([
      { type: "begin", stream: 0 },
      { type: "finish" },
      { type: "begin", stream: 1 },
      { type: "audio", stream: 1 },
    ]);
  });

  it("counts damaged messages and goes on", () => {
    const { downlink } = bench();
    downlink.binary(new ArrayBuffer(5));
    expect(downlink.damaged).toBe(1);
  });
});
