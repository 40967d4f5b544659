/** The public surface of the client. */

export { VoiceClient, createVoiceClient, type LevelSide, type VoiceClientOptions } from "./client";
export { steadyNow } from "./clock";
export type { Fault, Named, PageConfig, Party, PortalAccess, SessionWish, Upstream } from "./protocol";
export { agentState, heardPart, inCall, isMicOn, isSpeech, needsUser, shownEntries, situation } from "./selectors";
export type { Situation } from "./selectors";
export { initialState } from "./state";
export type { Action, Device, Divider, Entry, Gap, Note, Notice, OpenForm, Speech, VoiceState } from "./state";
export { reduce } from "./reducer";
