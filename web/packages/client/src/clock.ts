/**
 * One steady clock for the page and its worker: both count from their own beginning, so that beginning is added.
 *
 * What lives here: the reading of it. What never will: the pure parts (they are given the time).
 */

/** Milliseconds; it never jumps as the wall clock may. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
