/**
 * What a person does: talk, mute, stop, leave, type.
 *
 * What lives here: buttons and keys. What never will: what they cause (the client's verbs).
 */

import { isMicOn } from "@holdfast/client";
import { useState, type FormEvent, type KeyboardEvent, type MouseEvent, type ReactNode } from "react";
import { useInCall, useMic, useSituation, useSpeaker, useTurn } from "../hooks";
import { useVoiceClient, useWords } from "../provider";
import type { Words } from "../words";
import { LeaveIcon, MicIcon, SendIcon, SquareIcon } from "./icons";

export function MicButton(): ReactNode {
  const mic = useMic();
  const calling = useInCall();
  const holding = calling && mic.holdToTalk && (mic.phase === "live" || mic.phase === "muted");
  return holding ? <HoldButton live={mic.phase === "live"} /> : <ToggleButton />;
}

function ToggleButton(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const mic = useMic();
  const calling = useInCall();
  const over = useSituation();
  const on = isMicOn(mic);
  const press = (event: MouseEvent): void => {
    // The second half of a double click undoes nothing.
    if (event.detail > 1) return;
    if (!calling) void client.talk();
    else if (on) client.closeMic();
    else void client.openMic();
  };
  const again = over.kind === "failed" ? retryLabel(over.code, labels) : over.kind === "ended" ? labels.startAgain : labels.start;
  const label = calling ? (on ? labels.micOff : labels.micOn) : again;
  return (
    <button type="button" className="hf-mic" data-mic={mic.phase} data-calling={calling} onClick={press}>
      <MicIcon off={calling && !on} />
      <span className={calling ? "hf-vh" : "hf-mic-label"}>{label}</span>
    </button>
  );
}

function retryLabel(code: string, labels: Words["labels"]): string {
  if (code === "REPLACED") return labels.takeBack;
  return code === "RECONNECT_FAILED" ? labels.reconnect : labels.retry;
}

function HoldButton({ live }: { live: boolean }): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const isKey = (event: KeyboardEvent): boolean => event.key === " " || event.key === "Enter";
  const down = (event: KeyboardEvent): void => {
    if (!isKey(event)) return;
    event.preventDefault();
    if (!event.repeat) client.hold(true);
  };
  const up = (event: KeyboardEvent): void => {
    if (isKey(event)) client.hold(false);
  };
  const release = (): void => {
    if (live) client.hold(false);
  };
  return (
    <button
      type="button"
      className="hf-mic"
      data-mic={live ? "live" : "muted"}
      data-calling
      aria-pressed={live}
      onPointerDown={(event) => {
        // A finger that slides off the button still holds it.
        event.currentTarget.setPointerCapture(event.pointerId);
        client.hold(true);
      }}
      onPointerUp={release}
      onPointerCancel={release}
      onKeyDown={down}
      onKeyUp={up}
      onBlur={release}
      onContextMenu={(event) => event.preventDefault()}
    >
      <MicIcon />
      <span className="hf-vh">{labels.hold}</span>
    </button>
  );
}

export function MuteButton(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const { phase, holdToTalk } = useMic();
  const open = (phase === "live" || phase === "muted") && !holdToTalk;
  const muted = phase === "muted";
  return (
    <button
      type="button"
      className="hf-tool"
      disabled={!open}
      data-muted={open && muted}
      onClick={() => client.mute(!muted)}
    >
      <MicIcon off size={24} />
      <span>{open && muted ? labels.unmute : labels.mute}</span>
    </button>
  );
}

export function SilenceButton(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const speaking = useSpeaker().phase === "playing";
  const answering = useTurn().response !== undefined;
  return (
    <button type="button" className="hf-tool" disabled={!speaking && !answering} onClick={() => client.silence()}>
      <SquareIcon />
      <Short text={labels.silence} />
    </button>
  );
}

/** The first word for the eye, the whole for everybody who listens. */
function Short({ text }: { text: string }): ReactNode {
  const [first, ...rest] = text.split(" ");
  return (
    <span>
      {first}
      <span className="hf-vh"> {rest.join(" ")}</span>
    </span>
  );
}

export function EndButton(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const calling = useInCall();
  const end = (event: MouseEvent): void => {
    // This button goes with the call; whoever came by keyboard is left where another one begins.
    event.currentTarget.closest(".hf-dock")?.querySelector<HTMLElement>(".hf-mic")?.focus();
    client.end();
  };
  return (
    <button type="button" className="hf-tool" disabled={!calling} onClick={end}>
      <LeaveIcon />
      <Short text={labels.end} />
    </button>
  );
}

const TEXT_MAX = 2_000;

export function TypeInstead(): ReactNode {
  const client = useVoiceClient();
  const { labels } = useWords();
  const [text, setText] = useState("");
  const send = (event: FormEvent): void => {
    event.preventDefault();
    const said = text.trim();
    if (said === "") return;
    client.type(said);
    setText("");
  };
  return (
    <form className="hf-type" onSubmit={send}>
      <input
        className="hf-input"
        aria-label={labels.type}
        placeholder={labels.typePlaceholder}
        value={text}
        maxLength={TEXT_MAX}
        autoComplete="off"
        enterKeyHint="send"
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" className="hf-send" disabled={text.trim() === ""}>
        <SendIcon />
        <span className="hf-vh">{labels.send}</span>
      </button>
    </form>
  );
}
