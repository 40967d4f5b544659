/**
 * "Explain": what went wrong in a session, whose fault it was, what proves it, what to do.
 *
 * What lives here: how that is told. What never will: finding it out (the gateway's diagnosis does).
 */

import { useEffect, type JSX } from "react";
import type { Cause, Explanation } from "../api";
import { useConsole, useTold } from "./hooks";
import { Copy, Refused, Remedy } from "./parts";
import { PARTIES, named } from "./words";

export function Explain({ id }: { readonly id: string }): JSX.Element {
  const console = useConsole();
  const asked = useTold((state) => state.explanations.get(id));
  useEffect(() => void console.explain(id), [console, id]);
  return (
    <section className="c-explain" aria-label="Explanation" aria-busy={asked?.asking === true}>
      {asked?.value !== undefined && <Told told={asked.value} />}
      {asked?.refusal !== undefined && <Refused refusal={asked.refusal} />}
      {asked?.value === undefined && asked?.asking !== false && <p>Looking at the evidence …</p>}
    </section>
  );
}

function Told({ told }: { readonly told: Explanation }): JSX.Element {
  return (
    <>
      <h2 className="c-sentence">{told.sentence}</h2>
      {told.code != null && <Blame party={told.party} code={told.code} />}
      <Evidence lines={told.evidence} />
      <div className="c-next">
        <h3>What to do</h3>
        <Remedy text={told.next} />
      </div>
      {told.ranked.length > 1 && (
        <>
          <h3>What else was found</h3>
          <ol className="c-causes">
            {told.ranked.slice(1).map((cause) => (
              <CauseItem key={cause.code} cause={cause} />
            ))}
          </ol>
        </>
      )}
      {told.support != null && told.support.text !== "" && (
        <details className="c-support">
          <summary>For the provider’s support</summary>
          <pre tabIndex={0}>{told.support.text}</pre>
          <Copy text={told.support.text} label="Copy for support" />
        </details>
      )}
    </>
  );
}

export function Blame({ party, code }: { readonly party?: string | null | undefined; readonly code: string }): JSX.Element {
  return (
    <p className="c-blame">
      <span className="c-party">{named(PARTIES, party)}</span>
      <code>{code}</code>
    </p>
  );
}

function Evidence({ lines }: { readonly lines: readonly string[] }): JSX.Element | null {
  if (lines.length === 0) return null;
  return (
    <ul className="c-evidence">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function CauseItem({ cause }: { readonly cause: Cause }): JSX.Element {
  return (
    <li>
      <meter min={0} max={100} value={cause.weight} aria-label={`Weight of ${cause.code}`} />
      <div>
        <Blame party={cause.party} code={cause.code} />
        {cause.sentence !== undefined && <p>{cause.sentence}</p>}
        <Evidence lines={cause.evidence} />
      </div>
    </li>
  );
}
