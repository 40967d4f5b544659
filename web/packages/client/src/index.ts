/** The public surface of the client. */

export { VoiceClient, createVoiceClient, type LevelSide, type VoiceClientOptions } from "./client";
export type { Fault, Named, PageConfig, SessionWish, Upstream } from "./protocol";
export { agentState, heardPart, inCall, needsUser, shownEntries, situation, transcriptText } from "./selectors";
export type { Situation } from "./selectors";
export { initialState } from "./state";
export type { Action, Device, Entry, Gap, Notice, OpenForm, Speech, VoiceState } from "./state";
export { reduce } from "./reducer";
