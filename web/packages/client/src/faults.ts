/**
 * What the page finds by itself, as faults of the gateway's table.
 *
 * Written by `make docs` from the fault table. Change the code, not this file.
 */

export const FOUND_FAULTS: Readonly<Record<string, string>> = {
  unavailable: "user_network.gateway_unreachable",
  lost: "user_network.connection_lost",
  slow: "user_network.slow",
  overflowing: "user_network.away_too_long",
  slept: "user_device.slept",
  mic_denied: "user_device.microphone_denied",
  mic_missing: "user_device.microphone_missing",
  mic_busy: "user_device.microphone_busy",
  mic_lost: "user_device.microphone_lost",
  mic_silent: "user_device.microphone_silent",
  mic_unloaded: "user_network.page_incomplete",
  speaker_locked: "user_device.speaker_locked",
  NOT_AUTHORIZED: "application.not_authorized",
  UNSUPPORTED_MODEL: "application.unsupported_model",
  REPLACED: "application.replaced",
  idle: "application.idle",
  time_limit: "application.time_limit",
};
