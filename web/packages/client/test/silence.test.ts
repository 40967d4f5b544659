import { describe, expect, it } from "vitest";
import { Silence } from "../src/silence";

const FRAME = 480;

function frame(loudFrom = 0, loudTo = 0): Int16Array {
  const samples = new Int16Array(FRAME);
  samples.fill(4_000, loudFrom, loudTo);
  return samples;
}

/** A microphone whose frames arrive 5 ms after their last sample. */
class Talk {
  readonly silence = new Silence();
  #end = 0;

  frames(count: number, samples = frame()): void {
    for (let index = 0; index < count; index += 1) {
      this.#end += FRAME;
      this.silence.captured(samples, this.#end, this.now);
    }
  }

  get now(): number {
    return this.#end / 24 + 5;
  }
}

/** 200 ms of speech that end 5 ms into a frame, then 300 ms of quiet. */
function spoken(): Talk {
  const talk = new Talk();
  talk.frames(10, frame(0, FRAME));
  talk.frames(1, frame(0, 120));
  talk.frames(15);
  return talk;
}

describe("how long the user waited", () => {
  it("is counted from the last loud sample to the first that is heard", () => {
    const talk = spoken();
    talk.silence.turn(true);
    talk.frames(10);
    talk.silence.began("item_1", talk.now);
    talk.silence.came(frame());
    talk.silence.came(frame(240, FRAME));
    talk.frames(5);
    const waited = talk.silence.played("item_1", 1_000, talk.now, 10);

    const end = (10 + 1 + 15 + 10 + 5) * FRAME;
    expect(waited).toEqual({
      type: "heard",
      itemId: "item_1",
      spokeUntil: 10 * FRAME + 120,
      receivedAt: (10 + 1 + 15 + 10) * FRAME,
      heardAt: end + 240 - (1_000 - FRAME - 240),
    });
  });

  it("is told once, of the first item, and not before that is loud", () => {
    const { silence, now } = spoken();
    silence.turn(true);
    silence.began("item_1", now);
    silence.began("item_2", now);
    silence.came(frame());
    expect(silence.played("item_1", FRAME, now, 0)).toBeUndefined();
    silence.came(frame(0, FRAME));
    expect(silence.played("item_2", 2 * FRAME, now, 0)).toBeUndefined();
    expect(silence.played("item_1", 2 * FRAME, now, 0)).toBeDefined();
    expect(silence.played("item_1", 3 * FRAME, now, 0)).toBeUndefined();
  });

  it("is no matter of an answer to nothing, or of one that was spoken over", () => {
    const { silence, now } = spoken();
    silence.began("greeting", now);
    silence.came(frame(0, FRAME));
    expect(silence.played("greeting", FRAME, now, 0)).toBeUndefined();
    silence.turn(true);
    silence.turn(false);
    silence.began("item_1", now);
    silence.came(frame(0, FRAME));
    expect(silence.played("item_1", FRAME, now, 0)).toBeUndefined();
  });
});
