/**
 * The client and the words for everything below.
 *
 * What lives here: context. What never will: state of its own.
 */

import type { VoiceClient } from "@holdfast/client";
import { createContext, useContext, useMemo, type ReactNode } from "react";
import { ENGLISH, type Words } from "./words";

interface Voice {
  readonly client: VoiceClient;
  readonly words: Words;
}

const VoiceContext = createContext<Voice | undefined>(undefined);

export function VoiceProvider(props: { client: VoiceClient; words?: Words; children: ReactNode }): ReactNode {
  const { client, words = ENGLISH, children } = props;
  const voice = useMemo(() => ({ client, words }), [client, words]);
  // React 18 knows no context as an element.
  return <VoiceContext.Provider value={voice}>{children}</VoiceContext.Provider>;
}

function useVoiceContext(): Voice {
  const voice = useContext(VoiceContext);
  if (voice === undefined) throw new Error("This component stands outside of <VoiceProvider>. Put it inside.");
  return voice;
}

export function useVoiceClient(): VoiceClient {
  return useVoiceContext().client;
}

export function useWords(): Words {
  return useVoiceContext().words;
}
