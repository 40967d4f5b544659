/**
 * What a tab keeps over a reload: the claim to its session, for as long as the gateway keeps the session.
 *
 * What lives here: `sessionStorage`, so that the token ends with the tab, and a lock by which a copied tab sees that
 * the session is in use. What never will: words of the conversation (the gateway tells them again).
 */

import type { Claim } from "./protocol";

const KEY = "holdfast.session";
/** A tab that is being reloaded lets go of its lock a moment after the new page begins. */
const LOCK_MS = 1_000;

export interface Keepsake {
  readonly claim: Claim;
  readonly customerId: string;
  /** Wall clock: when the session was last known to live. */
  readonly at: number;
  readonly windowMs: number;
}

let release: (() => void) | undefined;
let held: string | undefined;

export function keep(keepsake: Keepsake): void {
  void hold(keepsake.claim.sessionId);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(keepsake));
  } catch {
    // Storage is switched off: a reload begins anew, nothing else is lost.
  }
}

export function forgetKeepsake(): void {
  release?.();
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // As above.
  }
}

/** The session of before a reload, when it is this customer's, can still live, and no other tab is in it. */
export async function takeKeepsake(customerId: string): Promise<Claim | undefined> {
  const kept = read();
  if (kept === undefined || kept.customerId !== customerId || Date.now() - kept.at > kept.windowMs) return undefined;
  return (await hold(kept.claim.sessionId)) ? kept.claim : undefined;
}

function read(): Keepsake | undefined {
  try {
    const text = sessionStorage.getItem(KEY);
    return text === null ? undefined : (JSON.parse(text) as Keepsake);
  } catch {
    return undefined;
  }
}

/** Whether this tab has the session to itself. Where there are no locks it is taken for granted. */
function hold(sessionId: string): Promise<boolean> {
  if (held === sessionId || !("locks" in navigator)) return Promise.resolve(true);
  release?.();
  held = sessionId;
  return new Promise((resolve) => {
    const asked = navigator.locks.request(`holdfast ${sessionId}`, { signal: AbortSignal.timeout(LOCK_MS) }, () => {
      resolve(true);
      // Another session began meanwhile: this one's lock is of no use.
      if (held !== sessionId) return undefined;
      return new Promise<void>((free) => {
        release = () => {
          held = undefined;
          free();
        };
      });
    });
    asked.catch(() => {
      held = undefined;
      resolve(false);
    });
  });
}
