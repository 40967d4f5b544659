/** The public surface of the React package. */

export { FinancialSherpa, type FinancialSherpaProps } from "./FinancialSherpa";
export * from "./hooks";
export { Captions, SpokenLog } from "./parts/Captions";
export { EndButton, MicButton, MuteButton, SilenceButton, TypeInstead } from "./parts/Controls";
export { FormPanel } from "./parts/Form";
export { DevicePicker, HoldToTalk, Options, SaveTranscript } from "./parts/Options";
export { Ridge } from "./parts/Ridge";
export { Alerts, KeptBar, LeftBehind, NoticeBar, StatusLine } from "./parts/Status";
export { VoiceProvider, useVoiceClient, useWords } from "./provider";
export { ENGLISH, lineOf, transcriptText, type Line, type Words } from "./words";
