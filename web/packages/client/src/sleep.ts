/**
 * Whether the computer slept between two looks at its clocks.
 *
 * What lives here: one comparison. What never will: clocks.
 */

/** The wall clock goes on while the computer sleeps; the steady one stops with it on most systems. */
export interface Clocks {
  readonly wall: number;
  readonly steady: number;
}

const JUMP_MS = 2_000;
/** Where both clocks go on, only a long gap between two looks tells; a busy machine makes short ones. */
const GAP_MS = 10_000;

export function slept(before: Clocks, now: Clocks): boolean {
  const wall = now.wall - before.wall;
  return wall - (now.steady - before.steady) > JUMP_MS || wall > GAP_MS;
}
