/**
 * The land behind the ridge: how tall the voices of the last seconds stand, and whether it still moves.
 *
 * What lives here: heights. What never will: drawing, clocks.
 */

import type { LevelSide } from "@holdfast/client";

export const COLUMNS = 80;
/** Speech lives between these levels; below is the room, above is shouting. */
const FLOOR_DB = -48;
const SMOOTHING = 0.3;
/** A hill runs out so many columns after its sound. */
const FOOT = 8;

/** A peak (0..1) as a height (0..1) that looks as loud as it sounds. */
export function height(peak: number): number {
  if (peak <= 0) return 0;
  return Math.min(1, Math.max(0, 1 - (20 * Math.log10(peak)) / FLOOR_DB));
}

export class Hills {
  readonly user = new Float32Array(COLUMNS);
  readonly assistant = new Float32Array(COLUMNS);
  readonly #waiting = { user: 0, assistant: 0 };
  /** Columns since something was heard. */
  #quiet = 0;

  /** A level has come; whether it is seen. No room is silent: what is lower than any hill keeps nobody awake. */
  hear(side: LevelSide, peak: number): boolean {
    const tall = height(peak);
    this.#waiting[side] = Math.max(this.#waiting[side], tall);
    return tall > 0;
  }

  /** One column on; whether there is still anything to see. */
  advance(): boolean {
    const { user, assistant } = this.#waiting;
    grow(this.user, user);
    grow(this.assistant, assistant);
    this.#quiet = user + assistant > 0.02 ? 0 : this.#quiet + 1;
    this.#waiting.user = this.#waiting.assistant = 0;
    return this.#quiet <= COLUMNS + FOOT;
  }
}

function grow(heights: Float32Array, tall: number): void {
  heights.copyWithin(0, 1);
  const last = COLUMNS - 1;
  heights[last] = heights[last - 1]! * SMOOTHING + tall * (1 - SMOOTHING);
}
