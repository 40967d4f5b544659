/**
 * What is going on, in one headline; what went wrong, with whose it is and what to do.
 *
 * What lives here: status, notices, and which of them are announced. What never will: the words.
 */

import { needsUser, type Notice, type Situation } from "@holdfast/client";
import type { ReactNode } from "react";
import { useElapsed, useNotices, useSituation, useVoice } from "../hooks";
import { useVoiceClient, useWords } from "../provider";
import { clockTime, lineFor } from "../words";

export function StatusLine(): ReactNode {
  const now = useSituation();
  const words = useWords();
  const { headline, detail } = lineFor(words, now);
  const elapsed = useElapsed("since" in now && now.kind !== "tool" ? now.since : undefined);
  const late = elapsed !== undefined && elapsed >= 2_000;
  return (
    <div className="hf-status" data-situation={now.kind} data-needs-user={needsUser(now.kind)}>
      <p className="hf-headline" role="status">
        {headline}
      </p>
      <p className="hf-detail">
        {detail ?? "\u00a0"}
        {late && <span className="hf-elapsed"> {clockTime(elapsed)}</span>}
      </p>
      <Remedy now={now} />
    </div>
  );
}

/** The one thing that helps now, as a button; and the gateway's own sentences where it has some. */
function Remedy({ now }: { now: Situation }): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const fault = useVoice((state) => state.link.fault);
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
      {(now.kind === "failed" || now.kind === "recovering") && fault !== undefined && (
        <p className="hf-fault">
          {fault.message} {fault.remedy}
          <span className="hf-code">{fault.code}</span>
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

/** Loss and whatever needs the person are announced at once; everything else waits its turn in the status. */
export function Alerts(): ReactNode {
  const now = useSituation();
  const words = useWords();
  const gap = useVoice((state) => state.entries.findLast((entry) => entry.kind === "gap"));
  const { headline, detail } = lineFor(words, now);
  const lines: string[] = [];
  if (needsUser(now.kind)) lines.push(`${headline}. ${detail ?? ""}`);
  if (gap?.kind === "gap") lines.push(`${clockTime(gap.ms)} ${words.labels.gap}`);
  return (
    <div className="hf-vh" role="alert">
      {lines.join(" ")}
    </div>
  );
}

export function NoticeBar(): ReactNode {
  const notices = useNotices();
  if (notices.length === 0) return null;
  return (
    <ul className="hf-notices">
      {notices.map((notice) => (
        <NoticeLine key={notice.code} notice={notice} />
      ))}
    </ul>
  );
}

function NoticeLine({ notice }: { notice: Notice }): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  return (
    <li className="hf-notice">
      <div>
        <p className="hf-notice-message">{notice.message}</p>
        {notice.remedy !== undefined && <p className="hf-notice-remedy">{notice.remedy}</p>}
        <p className="hf-code">
          {notice.code}
          {notice.count > 1 && ` · ${notice.count} ${labels.times}`}
        </p>
      </div>
      <button type="button" className="hf-quiet" onClick={() => client.dismiss(notice.code)}>
        {labels.dismiss}
      </button>
    </li>
  );
}
