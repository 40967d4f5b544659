/**
 * The words for what the page finds by itself: those of the gateway's table.
 *
 * Written by `make docs` from the fault table. Change the code, not this file.
 */

export const FAULT_LINES = {
  unavailable: { code: "user_network.gateway_unreachable", headline: "The assistant is not available", detail: "Please try again in a moment." },
  lost: { code: "user_network.connection_lost", headline: "Connection lost", detail: "Looking for the way back." },
  slow: { code: "user_network.slow", headline: "Slow connection", detail: "Keep talking; it is recorded." },
  overflowing: { code: "user_network.away_too_long", headline: "Connection lost — recording full", detail: "Please wait: the oldest of what you said is let go." },
  slept: { code: "user_device.slept", headline: "Paused while the computer slept", detail: "Looking for the way back." },
  mic_denied: { code: "user_device.microphone_denied", headline: "Microphone is blocked for this site", detail: "Allow it beside the address bar, or type instead." },
  mic_missing: { code: "user_device.microphone_missing", headline: "No microphone found", detail: "Connect one, or type instead." },
  mic_busy: { code: "user_device.microphone_busy", headline: "The microphone is in use", detail: "Another app holds it. Close that app and try again." },
  mic_lost: { code: "user_device.microphone_lost", headline: "Microphone was unplugged", detail: "Plug it in again, choose another, or type instead." },
  mic_silent: { code: "user_device.microphone_silent", headline: "We can't hear you", detail: "Is the microphone muted? You can choose another in Options." },
  mic_unloaded: { code: "user_network.page_incomplete", headline: "The microphone is not ready yet", detail: "A part of this page did not load. It is tried again." },
  speaker_locked: { code: "user_device.speaker_locked", headline: "Tap to hear", detail: "Your browser wants a tap before it plays sound." },
  NOT_AUTHORIZED: { code: "application.not_authorized", headline: "Please sign in again", detail: "Your session with the portal has ended." },
  UNSUPPORTED_MODEL: { code: "application.unsupported_model", headline: "This voice model isn't available", detail: "An operator has to choose another model." },
  REPLACED: { code: "application.replaced", headline: "Continued in another window", detail: "One window at a time. You can fetch it back." },
  idle: { code: "application.idle", headline: "The conversation ended after a long silence", detail: "Start again whenever you like." },
  time_limit: { code: "application.time_limit", headline: "The conversation reached its time limit", detail: "Start again to go on." },
} as const;
