/**
 * The gateway's REST side as the page uses it.
 *
 * What lives here: addresses and the two calls a page makes by itself. What never will: the socket.
 */

import type { PageConfig, PortalAccess, SessionWish } from "./protocol";
import type { LinkSettings } from "./worker-messages";

const ROOT = "/api/financial-sherpa";

/** The page's configuration. Throws an `Error` with a sentence for a person. */
export async function loadConfig(base: string): Promise<PageConfig> {
  const response = await fetch(`${base}${ROOT}/realtime`, { cache: "no-store" });
  if (!response.ok) throw new Error(`The assistant's settings could not be loaded (status ${response.status}).`);
  return (await response.json()) as PageConfig;
}

/** Sign in another customer of the demo portal. */
export async function signInDemo(base: string, customerId: string): Promise<void> {
  // The gateway may have restarted since the page was loaded, with another token.
  const { csrfToken } = await loadConfig(base);
  const response = await fetch(`${base}${ROOT}/demo-customer`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken },
    body: JSON.stringify({ customerId }),
  });
  if (!response.ok) throw new Error(`status ${response.status}`);
}

/** What a page of another portal knows without asking. */
export function portalConfig(portal: PortalAccess): PageConfig {
  return { greeting: "", socketPath: "/api/openai/realtime", csrfToken: "", ticketRequired: true, ...portal };
}

export function linkSettings(
  base: string,
  config: PageConfig,
  session: SessionWish,
  portal: PortalAccess | undefined,
): LinkSettings {
  const root = new URL(base === "" ? "/" : base, location.href);
  const at = (path: string): string => new URL(path, root).href;
  const socketUrl = new URL(config.socketPath, root);
  socketUrl.protocol = root.protocol === "https:" ? "wss:" : "ws:";
  return {
    socketUrl: socketUrl.href,
    configUrl: at(`${ROOT}/realtime`),
    ticketUrl: at(`${ROOT}/ticket`),
    portal,
    probeUrl: at("/healthz"),
    csrfToken: config.csrfToken,
    ticketRequired: config.ticketRequired,
    session,
  };
}
