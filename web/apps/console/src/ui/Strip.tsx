/**
 * The way of the sound, from the user's mouth to the user's ear, with what is wrong where.
 *
 * What lives here: five places on a line, small for lists and large for one session. Shapes differ, not only colours:
 * a dot is well, a ring is unsure, a cross on a broken line is bad. What never will: how a place is judged (gateway).
 */

import { memo, type JSX } from "react";
import { PLACES, type Row } from "../api";
import { HEALTHS, PLACE_NAMES, named, path } from "./words";

const STEP = 24;
const MIDDLE = 9;

function Mark({ x, health }: { readonly x: number; readonly health: string }): JSX.Element {
  if (health === "bad") {
    return <path className="s-bad" d={`M${x - 4} ${MIDDLE - 4}l8 8M${x + 4} ${MIDDLE - 4}l-8 8`} />;
  }
  if (health === "unsure") return <circle className="s-unsure" cx={x} cy={MIDDLE} r={4} />;
  if (health === "good") return <circle className="s-good" cx={x} cy={MIDDLE} r={3.5} />;
  return <path className="s-none" d={`M${x - 2} ${MIDDLE}h4`} />;
}

/** The line between two places; beside a bad one only a stump is left at the other's end. */
function line(health: Row["health"]): string {
  return PLACES.slice(1)
    .map((place, at) => {
      const from = 12 + at * STEP + 7;
      const to = from + STEP - 14;
      const [here, there] = [health[PLACES[at] ?? place] === "bad", health[place] === "bad"];
      if (here && there) return "";
      return `M${here ? to - 3 : from} ${MIDDLE}H${there ? from + 3 : to}`;
    })
    .join("");
}

function drawing(health: Row["health"]): JSX.Element {
  return (
    <>
      <path className="s-line" d={line(health)} />
      {PLACES.map((place, at) => (
        <Mark key={place} x={12 + at * STEP} health={health[place]} />
      ))}
    </>
  );
}

function Small({ health }: { readonly health: Row["health"] }): JSX.Element {
  return (
    <svg className="c-strip" width={120} height={18} viewBox="0 0 120 18" role="img" aria-label={path(health)}>
      {drawing(health)}
    </svg>
  );
}

function same(one: { readonly health: Row["health"] }, other: { readonly health: Row["health"] }): boolean {
  return PLACES.every((place) => one.health[place] === other.health[place]);
}

export const Strip = memo(Small, same);

/** With names and words. */
export function WideStrip({ health }: { readonly health: Row["health"] }): JSX.Element {
  return (
    <ol className="c-path" aria-label="The way of the sound">
      {PLACES.map((place) => (
        <li key={place} data-health={health[place]}>
          <svg width={24} height={18} viewBox="0 0 24 18" aria-hidden="true">
            <Mark x={12} health={health[place]} />
          </svg>
          <span className="c-path-place">{PLACE_NAMES[place]}</span>
          <span className="c-path-health">{named(HEALTHS, health[place])}</span>
        </li>
      ))}
    </ol>
  );
}
