/** Chance that is the same each time: a small generator with a seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

export function whole(chance: () => number, below: number): number {
  return Math.floor(chance() * below);
}

/** As many seeds as a property is tried with. */
export const SEEDS: readonly number[] = Array.from({ length: 60 }, (_, index) => index * 7919 + 1);
