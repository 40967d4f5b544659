/**
 * Spans of samples that were named once: a loss is told, and it is told once, whoever finds it first.
 *
 * What lives here: a set of spans that grows. What never will: what a span is good for.
 */

import type { Span } from "./ring";

export class SpanSet {
  /** Apart from one another, in the order of their coming. */
  readonly #spans: Span[] = [];

  /** Add a span; answers the parts of it that are new. */
  add(span: Span): Span[] {
    const fresh = this.#spans.reduce((parts, known) => parts.flatMap((part) => without(part, known)), [span]);
    for (const part of fresh) {
      const last = this.#spans.at(-1);
      // What grows piece by piece is one span.
      if (last?.to === part.from) this.#spans.pop();
      this.#spans.push(last?.to === part.from ? { from: last.from, to: part.to } : part);
    }
    return fresh;
  }
}

function without(part: Span, known: Span): Span[] {
  const before = { from: part.from, to: Math.min(part.to, known.from) };
  const after = { from: Math.max(part.from, known.to), to: part.to };
  return [before, after].filter(({ from, to }) => from < to);
}
