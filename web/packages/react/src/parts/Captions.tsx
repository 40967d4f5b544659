/**
 * The conversation as text: for eyes as it comes, for ears whole turn by whole turn.
 *
 * What lives here: captions, and the hidden log that a screen reader follows. The visible captions are not a
 * live region: word by word would flood a reader. What never will: the order of turns (the client has it).
 */

import { heardPart, isSpeech, type Entry, type Speech } from "@holdfast/client";
import { memo, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { useTranscript } from "../hooks";
import { useWords } from "../provider";
import { lineOf, saidBy, tagOf } from "../words";

const ANNOUNCED = 4;
/** Nearer to the end than this, new lines keep the end in view; further up somebody is reading. */
const FOLLOW_PX = 120;
/** Once there are twice as many lines, only so many stay on the page; the earlier ones come back on request. */
const LINES = 100;

export function Captions({ empty }: { empty: ReactNode }): ReactNode {
  const entries = useTranscript();
  const { labels } = useWords();
  const box = useRef<HTMLElement>(null);
  const following = useRef(true);
  const [first, setFirst] = useState(0);
  const begun = entries.length > 0;
  const from = Math.min(first, Math.max(0, entries.length - LINES));
  // Under the eyes of somebody who reads nothing is taken away.
  if (following.current && entries.length - from > 2 * LINES) setFirst(entries.length - LINES);
  const follow = (): void => {
    const element = box.current;
    if (begun && following.current && element !== null) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(follow, [entries]);
  useLayoutEffect(() => {
    following.current ||= !begun;
    // Notices and the dock take room away; the newest line stays in view.
    const resized = typeof ResizeObserver === "undefined" ? undefined : new ResizeObserver(follow);
    if (box.current !== null) resized?.observe(box.current);
    return () => resized?.disconnect();
  }, [begun]);
  // Earlier lines come above what is being read: it stays where it is, counted from the end.
  const below = useRef(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element !== null && !following.current) element.scrollTop = element.scrollHeight - below.current;
  }, [from]);
  const goBack = (): void => {
    const element = box.current;
    if (element !== null) below.current = element.scrollHeight - element.scrollTop;
    following.current = false;
    setFirst(Math.max(0, from - LINES));
  };
  const scrolled = (): void => {
    const element = box.current;
    if (element === null) return;
    following.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_PX;
  };
  return (
    // The region scrolls, so the keyboard must be able to reach it.
    <section className="hf-captions" aria-label={labels.conversation} tabIndex={0} ref={box} onScroll={scrolled}>
      {begun ? (
        <ol className="hf-turns">
          {from > 0 && (
            <li className="hf-divider">
              <button type="button" className="hf-quiet" onClick={goBack}>
                {labels.earlier}
              </button>
            </li>
          )}
          {entries.slice(from).map((entry) => (
            <Turn key={entry.id} entry={entry} />
          ))}
        </ol>
      ) : (
        empty
      )}
    </section>
  );
}

/** A line renders when it changes, however many others do. */
const Turn = memo(function Turn({ entry }: { entry: Entry }): ReactNode {
  const words = useWords();
  const { labels } = words;
  if (!isSpeech(entry)) {
    return (
      <li className={`hf-${entry.kind}`}>
        {entry.kind === "gap" ? (
          <time dateTime={`PT${(entry.ms / 1000).toFixed(1)}S`}>{lineOf(words, entry)}</time>
        ) : (
          <span>{lineOf(words, entry)}</span>
        )}
      </li>
    );
  }
  return (
    <li className="hf-turn" data-speaker={entry.kind} data-final={entry.final}>
      <span className="hf-who">{entry.kind === "user" ? labels.you : labels.assistant}</span>
      <p className="hf-said">{entry.text === "" ? <Waiting /> : <Said speech={entry} />}</p>
    </li>
  );
});

function Waiting(): ReactNode {
  return (
    <span className="hf-waiting" aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
  );
}

function Said({ speech }: { speech: Speech }): ReactNode {
  const { labels } = useWords();
  const { text } = speech;
  const at = wordBoundary(text, Math.round(text.length * heardPart(speech)));
  const tag = tagOf(labels, speech);
  return (
    <>
      {text.slice(0, at)}
      {at < text.length && (
        <span className="hf-unheard">
          <span className="hf-vh"> ({labels.notHeard}: </span>
          {text.slice(at)}
          <span className="hf-vh">)</span>
        </span>
      )}
      {tag && <span className="hf-tag"> {tag}</span>}
    </>
  );
}

/** Where a word ends, at or after `at`: half a word was never "heard". */
function wordBoundary(text: string, at: number): number {
  const space = text.indexOf(" ", at);
  return space < 0 ? text.length : space;
}

/** Whole turns, the newest few, for screen readers. */
export function SpokenLog(): ReactNode {
  const words = useWords();
  const entries = useTranscript();
  // A gap is told by the alert, once it has stopped growing.
  const whole = entries.filter((entry) => (isSpeech(entry) ? entry.final : entry.kind !== "gap"));
  return (
    <div className="hf-vh" role="log" aria-label={words.labels.spoken}>
      {whole.slice(-ANNOUNCED).map((entry) => (
        <p key={entry.id}>{isSpeech(entry) ? saidBy(words, entry) : lineOf(words, entry)}</p>
      ))}
    </div>
  );
}
