/**
 * What is going on, in one headline; what went wrong, with whose it is and what to do.
 *
 * What lives here: status, notices, and which of them are announced. What never will: the words.
 */

import { needsUser, type Notice, type Situation, type VoiceState } from "@holdfast/client";
import type { ReactNode } from "react";
import { useNotices, useRested, useSince, useSituation, useVoice } from "../hooks";
import { useVoiceClient, useWords } from "../provider";
import { clockTime, lineFor, lossTime } from "../words";
import { SaveTranscript } from "./Options";

/** A gap that grows is told when it has rested for so long. */
const RESTED_MS = 1_500;

export function StatusLine(): ReactNode {
  const now = useSituation();
  const words = useWords();
  const { headline, detail, code } = lineFor(words, now);
  return (
    <div className="hf-status" data-situation={now.kind} data-needs-user={needsUser(now.kind)} data-fault={code}>
      <p className="hf-headline" role="status">
        {headline}
      </p>
      <p className="hf-detail">
        {detail ?? "\u00a0"}
        {keeps(now) ? <KeptTime /> : <Duration now={now} />}
      </p>
      <Remedy now={now} code={code} />
    </div>
  );
}

/** Whether what is spoken now fills the ring. */
function keeps(now: Situation): boolean {
  if (now.kind === "overflowing") return true;
  return (now.kind === "lost" || now.kind === "moving" || now.kind === "slept") && now.recording;
}

/** How long it lasts, or how long still; beside the live region, so that nobody hears every second. */
function Duration({ now }: { now: Situation }): ReactNode {
  const { labels } = useWords();
  const retryAt = "retryAt" in now ? now.retryAt : undefined;
  const begin = "since" in now && now.kind !== "tool" ? now.since : undefined;
  const since = useSince(retryAt ?? begin);
  if (since === undefined) return null;
  if (retryAt === undefined) return since >= 2_000 && <span className="hf-elapsed"> {clockTime(since)}</span>;
  // The last second is told as a second.
  return since < 0 && <span className="hf-elapsed">{` ${labels.inTime} ${clockTime(999 - since)}`}</span>;
}

/** Seconds of speech that wait on this side, and how many can. */
function useKept(): { readonly kept: number; readonly room: number; readonly text: string } {
  const { labels } = useWords();
  const kept = useVoice((state) => Math.floor(Math.min(state.waitingMs, state.ringMs) / 1000));
  const room = useVoice((state) => Math.max(1, Math.round(state.ringMs / 1000)));
  return { kept, room, text: `${clockTime(kept * 1000)} ${labels.of} ${clockTime(room * 1000)}` };
}

function KeptTime(): ReactNode {
  // The bar tells it to those who ask; here it is for the eye.
  return (
    <span className="hf-elapsed" aria-hidden="true">
      {` ${useKept().text}`}
    </span>
  );
}

/** Under the ridge: how much of the ring is filled, while the line is away. */
export function KeptBar(): ReactNode {
  const { labels } = useWords();
  const { kept, room, text } = useKept();
  if (!keeps(useSituation())) return null;
  return (
    <div
      className="hf-kept"
      role="progressbar"
      aria-label={labels.kept}
      aria-valuemin={0}
      aria-valuemax={room}
      aria-valuenow={kept}
      aria-valuetext={text}
      data-full={kept >= room}
    >
      <span style={{ inlineSize: `${(100 * kept) / room}%` }} />
    </div>
  );
}

/** What to do is written for who runs the gateway. In the demo that is who looks; a portal's customer it is not. */
const demo = (state: VoiceState): unknown => state.config?.demo;

/** The one thing that helps now, as a button; and the gateway's own sentences where it has some. */
function Remedy({ now, code }: { now: Situation; code: string | undefined }): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const fault = useVoice((state) => state.link.fault);
  const isDemo = useVoice(demo);
  const told = now.kind === "failed" || now.kind === "recovering" ? fault : undefined;
  const found = needsUser(now.kind) && told === undefined ? code : undefined;
  const action: { label: string; act: () => void } | undefined =
    now.kind === "speaker_locked"
      ? { label: labels.tapToHear, act: () => void client.unlockSpeaker() }
      : now.kind === "mic_denied" || now.kind === "mic_missing" || now.kind === "mic_busy" || now.kind === "mic_lost"
        ? { label: labels.retry, act: () => void client.talk() }
        : now.kind === "unavailable"
          ? { label: labels.retry, act: () => void client.load() }
          : undefined;
  return (
    <>
      {told !== undefined && (
        <p className="hf-fault">
          {told.message} {isDemo ? told.remedy : ""}
          <span className="hf-code">{told.code}</span>
        </p>
      )}
      {found !== undefined && (
        <p className="hf-code">
          {found}
          {now.kind === "unavailable" && ` · ${now.reason}`}
        </p>
      )}
      {action !== undefined && (
        <button type="button" className="hf-button" onClick={action.act}>
          {action.label}
        </button>
      )}
    </>
  );
}

/** What a conversation that cannot go on leaves with the person: its text, and what was recorded and not sent. */
export function LeftBehind(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const now = useSituation();
  const unsent = useVoice((state) => (state.waitingMs >= 1_000 ? clockTime(state.waitingMs) : undefined));
  if (now.kind !== "failed" || now.code !== "RECONNECT_FAILED") return null;
  return (
    <div className="hf-left">
      {unsent !== undefined && (
        <p>
          {unsent} {labels.keptUnsent}
        </p>
      )}
      <SaveTranscript />
      {unsent !== undefined && (
        <button type="button" className="hf-quiet" onClick={() => client.discard()}>
          {labels.discard}
        </button>
      )}
    </div>
  );
}

/** Loss and whatever needs the person are announced at once; everything else waits its turn in the status. */
export function Alerts(): ReactNode {
  const now = useSituation();
  const words = useWords();
  const { labels } = words;
  const gap = useVoice((state) => {
    const last = state.entries.findLast((entry) => entry.kind === "gap");
    return last?.kind === "gap" && last.of === "user" ? last.ms : undefined;
  });
  const rested = useRested(gap, RESTED_MS);
  const { headline, detail } = lineFor(words, now);
  const lines: string[] = [];
  if (needsUser(now.kind)) lines.push(`${headline}. ${detail ?? ""}`);
  if (gap !== undefined) lines.push(gap === rested ? `${lossTime(gap)} ${labels.gap}` : labels.gapOpen);
  return (
    <div className="hf-vh" role="alert">
      {lines.join(" ")}
    </div>
  );
}

export function NoticeBar(): ReactNode {
  const notices = useNotices();
  const endsSoon = useVoice((state) => state.endsInMs !== undefined);
  // A screen reader listens to what was there before the news came.
  return (
    <ul className="hf-notices" aria-live="polite">
      {endsSoon && <EndsSoon />}
      {notices.map((notice) => (
        <NoticeLine key={notice.code} notice={notice} />
      ))}
    </ul>
  );
}

function EndsSoon(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const left = useVoice((state) => clockTime(state.endsInMs ?? 0));
  return (
    <li className="hf-notice">
      <div>
        <p className="hf-notice-message">
          {labels.endsSoon}
          <span className="hf-elapsed" aria-live="off">{`: ${left} ${labels.left}`}</span>
        </p>
        <p>{labels.endsSoonHelp}</p>
      </div>
      <button type="button" className="hf-button" onClick={() => client.renew()}>
        {labels.renew}
      </button>
    </li>
  );
}

function NoticeLine({ notice }: { notice: Notice }): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const isDemo = useVoice(demo);
  return (
    <li className="hf-notice">
      <div>
        <p className="hf-notice-message">{notice.message}</p>
        {isDemo ? <p>{notice.fault?.remedy}</p> : ""}
        <p className="hf-code" aria-live="off">
          {notice.fault?.code ?? notice.code}
          {notice.count > 1 && ` · ${notice.count} ${labels.times}`}
        </p>
      </div>
      <button type="button" className="hf-quiet" onClick={() => client.dismiss(notice.code)}>
        {labels.dismiss}
      </button>
    </li>
  );
}
