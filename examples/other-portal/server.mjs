/**
 * The portal's own back end, as small as it can be: the built page, who is signed in, and tickets for the gateway.
 *
 *   HOLDFAST_AUTH__SECRET=... HOLDFAST_URL=https://voice.example.com PORT=4000 node server.mjs
 *
 * The secret is the gateway's: who has it may speak for every customer. It never leaves this process.
 */

import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const secret = process.env.HOLDFAST_AUTH__SECRET ?? "";
const gateway = process.env.HOLDFAST_URL ?? "http://127.0.0.1:8080";
const port = Number(process.env.PORT ?? 4000);
if (secret.length < 32) throw new Error("HOLDFAST_AUTH__SECRET must be the gateway's own secret.");

const TICKET_S = 60;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY =
  "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; " +
  `connect-src 'self' ${gateway} ${gateway.replace(/^http/, "ws")}; base-uri 'none'; form-action 'none'; ` +
  "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types holdfast";

/** Sessions of this portal: cookie -> customer. A real portal has its own sign-in. */
const sessions = new Map();
const customer = { id: "cust-1001", name: process.env.CUSTOMER_NAME ?? "Anna Keller" };

/** A JSON Web Token, HS256: who the socket speaks for, for a minute, once. */
function ticket({ id, name }) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: id, name, iat: now, exp: now + TICKET_S, jti: randomUUID() };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function signedIn(request) {
  const found = /(?:^|; )portal=([\w-]+)/.exec(request.headers.cookie ?? "");
  return found === null ? undefined : sessions.get(found[1]);
}

async function answer(request) {
  const { pathname } = new URL(request.url, "http://portal");
  const who = signedIn(request);
  if (pathname === "/me" || pathname === "/voice-ticket") {
    if (who === undefined) return { status: 401, json: {} };
    if (pathname === "/me") return { json: { customer: who, voice: gateway } };
    // A foreign page could have a ticket made with our cookies, though never read it: it gets none.
    const isOurs = request.headers["sec-fetch-site"] === "same-origin";
    return request.method === "POST" && isOurs ? { json: { ticket: ticket(who) } } : { status: 403, json: {} };
  }
  const path = normalize(pathname === "/" ? "/index.html" : pathname);
  try {
    const body = await readFile(join(import.meta.dirname, "dist", path));
    return { body, type: TYPES[extname(path)] ?? "application/octet-stream" };
  } catch {
    return { status: 404, json: {} };
  }
}

const server = createServer(async (request, response) => {
  const { status = 200, json, body = JSON.stringify(json), type = "application/json" } = await answer(request);
  const headers = { "Content-Type": type, "Cache-Control": "no-store", "Content-Security-Policy": POLICY };
  if (signedIn(request) === undefined && type === "text/html") {
    const id = randomBytes(24).toString("base64url");
    sessions.set(id, customer);
    headers["Set-Cookie"] = `portal=${id}; HttpOnly; SameSite=Strict; Path=/`;
  }
  response.writeHead(status, headers).end(body);
});
server.listen(port, "127.0.0.1", () => console.log(`the portal is at http://127.0.0.1:${port}`));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));
