/**
 * The gateway's HTTP side as the worker uses it: is somebody there, and are we let in?
 *
 * What lives here: two questions and their answers as happenings of the link. What never will: the socket, patience
 * (`connection.ts` has it).
 */

import type { LinkEvent } from "./link";
import type { PageConfig } from "./protocol";
import type { LinkSettings } from "./worker-messages";

const FETCH_MS = 5_000;
/** On a dead network a request hangs; a new one finds the network at once when it is back. */
const PROBE_MS = 700;
/** Beside the quick probes a patient one goes: a network may be alive and slow. */
const PROBE_PATIENT_MS = 6_000;
/** A browser opens six connections to a place: probes leave some of them. */
const PROBES_MAX = 4;

export class Door {
  readonly #settings: LinkSettings;
  readonly #happened: (event: LinkEvent) => void;
  #csrfToken: string;
  #probes = 0;
  #isPatient = false;

  constructor(settings: LinkSettings, happened: (event: LinkEvent) => void) {
    this.#settings = settings;
    this.#csrfToken = settings.csrfToken;
    this.#happened = happened;
  }

  async admit(): Promise<void> {
    const { ticketRequired, portal } = this.#settings;
    try {
      let response = await this.#askTicket();
      if (response.status === 403 && !portal) {
        // The gateway may have restarted since the page was loaded, with another token.
        this.#csrfToken = await this.#freshToken();
        response = await this.#askTicket();
      }
      if (response.ok) {
        const { ticket } = (await response.json()) as { ticket: string };
        this.#happened({ type: "admitted", ticket });
      } else if (!ticketRequired && (response.status === 404 || response.status === 501)) {
        this.#happened({ type: "admitted", ticket: undefined });
      } else {
        const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
        const retryAfterMs = seconds >= 0 ? seconds * 1000 : undefined;
        this.#happened({ type: "refused", status: response.status, retryAfterMs });
      }
    } catch (cause) {
      // A page in place of the ticket: whoever is behind it asks for a password first.
      const isPage = cause instanceof SyntaxError;
      this.#happened(isPage ? { type: "refused", status: 401 } : { type: "unreachable" });
    }
  }

  /** Look whether the gateway answers. `fetch` and not WebSocket: browsers slow down repeated WebSocket attempts. */
  async probe(): Promise<void> {
    if (this.#probes === PROBES_MAX) return;
    const patient = !this.#isPatient;
    this.#probes += 1;
    this.#isPatient = true;
    try {
      const signal = AbortSignal.timeout(patient ? PROBE_PATIENT_MS : PROBE_MS);
      const { ok } = await fetch(this.#settings.probeUrl, { signal, cache: "no-store" });
      if (ok) this.#happened({ type: "probed" });
    } catch {
      // Not there: the next probe is due soon.
    } finally {
      this.#probes -= 1;
      if (patient) this.#isPatient = false;
    }
  }

  #askTicket(): Promise<Response> {
    const { ticketUrl, portal } = this.#settings;
    return fetch(portal?.ticketUrl ?? ticketUrl, {
      method: "POST",
      headers: portal ? { ...portal.ticketHeaders } : { "X-CSRF-Token": this.#csrfToken },
      signal: AbortSignal.timeout(FETCH_MS),
    });
  }

  async #freshToken(): Promise<string> {
    const signal = AbortSignal.timeout(FETCH_MS);
    const response = await fetch(this.#settings.configUrl, { signal, cache: "no-store" });
    return ((await response.json()) as PageConfig).csrfToken;
  }
}
