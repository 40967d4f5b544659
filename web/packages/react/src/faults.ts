/**
 * The words for what the page finds by itself: those of the gateway's table.
 *
 * Written by `make docs` from the fault table. Change the code, not this file.
 */

export const FAULT_LINES = {
  unavailable: { headline: "The assistant is not available", detail: "Please try again in a moment." },
  lost: { headline: "Connection lost", detail: "Looking for the way back." },
  slow: { headline: "Slow connection", detail: "Keep talking; it is recorded." },
  overflowing: { headline: "Connection lost — recording full", detail: "Please wait: the oldest of what you said is let go." },
  slept: { headline: "Paused while the computer slept", detail: "Looking for the way back." },
  mic_denied: { headline: "Microphone is blocked for this site", detail: "Allow it beside the address bar, or type instead. It goes on by itself once allowed." },
  mic_missing: { headline: "No microphone found", detail: "Connect one, or type instead." },
  mic_busy: { headline: "The microphone is in use", detail: "Another app holds it. Close that app and try again." },
  mic_lost: { headline: "Microphone was unplugged", detail: "Plug it in again, choose another, or type instead." },
  mic_silent: { headline: "We can't hear you", detail: "Is the microphone muted? You can choose another in Options." },
  mic_unloaded: { headline: "The microphone is not ready yet", detail: "A part of this page could not be loaded. It is tried again by itself." },
  speaker_locked: { headline: "Tap to hear", detail: "Your browser wants a tap before it plays sound." },
  NOT_AUTHORIZED: { headline: "Please sign in again", detail: "Your session with the portal has ended." },
  UNSUPPORTED_MODEL: { headline: "This voice model isn't available", detail: "An operator has to choose another model." },
  REPLACED: { headline: "Continued in another window", detail: "One window at a time can be in this conversation. You can fetch it back." },
  idle: { headline: "The conversation ended after a long silence", detail: "Start again whenever you like." },
  time_limit: { headline: "The conversation reached its time limit", detail: "A conversation may last so long. Start again to go on." },
} as const;
