/**
 * What one sets once: device, hold-to-talk, the transcript to keep.
 */

import type { ReactNode } from "react";
import { useInCall, useMic, useTranscript, useVoice } from "../hooks";
import { useVoiceClient, useWords } from "../provider";
import { transcriptText } from "../words";

export function Options(): ReactNode {
  const { labels } = useWords();
  return (
    <details className="hf-options">
      <summary>{labels.options}</summary>
      <div className="hf-options-body">
        <DevicePicker />
        <HoldToTalk />
        <SaveTranscript />
      </div>
    </details>
  );
}

export function DevicePicker(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const devices = useVoice((state) => state.devices);
  const { deviceId, phase } = useMic();
  // Where one is lost or in use another one helps; who switched it off wants none.
  const open = useInCall() && phase !== "off";
  return (
    <label className="hf-field">
      <span>{labels.device}</span>
      <select
        className="hf-input"
        disabled={devices.length === 0}
        value={deviceId ?? ""}
        onChange={(event) => {
          const { value } = event.target;
          if (open) void client.openMic(value);
          else client.chooseMic(value);
        }}
      >
        {devices.length === 0 && <option value="">{labels.deviceDefault}</option>}
        {devices.map(({ id, label }) => (
          <option key={id} value={id}>
            {label || labels.deviceDefault}
          </option>
        ))}
      </select>
    </label>
  );
}

export function HoldToTalk(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const { holdToTalk } = useMic();
  return (
    <label className="hf-check">
      <input type="checkbox" checked={holdToTalk} onChange={(event) => client.holdToTalk(event.target.checked)} />
      <span>
        {labels.holdToTalk}
        <small>{labels.holdToTalkHelp}</small>
      </span>
    </label>
  );
}

export function SaveTranscript(): ReactNode {
  const words = useWords();
  const entries = useTranscript();
  const save = (): void => {
    const text = new Blob([transcriptText(words, entries)], { type: "text/plain;charset=utf-8" });
    const url = URL.createObjectURL(text);
    const link = document.createElement("a");
    link.href = url;
    link.download = `conversation-${new Date().toISOString().slice(0, 10)}.txt`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <button type="button" className="hf-button" disabled={entries.length === 0} onClick={save}>
      {words.labels.transcript}
    </button>
  );
}
