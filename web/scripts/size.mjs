/**
 * Sizes of what was built, packed with gzip, against their budgets. Exits with 1 when one is over.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const web = fileURLToPath(new URL("..", import.meta.url));
const assets = join(web, "../src/holdfast/_web/assets");

/** Loaded only under `?taps=1`: no part of what a visitor gets. */
const forTests = /^(tap|taps)[.-]/;

function packed(bytes) {
  return gzipSync(bytes, { level: 9 }).length;
}

/** What a host page would bundle for these entries, with everything they bring along. */
async function bundled(...entries) {
  const { output } = await build({
    root: web,
    logLevel: "silent",
    configFile: false,
    worker: { format: "es" },
    build: {
      write: false,
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      // No library build: that one would leave white space and names for the host's bundler to shorten.
      rolldownOptions: {
        input: entries.map((entry) => join(web, "packages/client/src", entry)),
        preserveEntrySignatures: "strict",
      },
    },
  });
  return output.reduce((sum, file) => sum + packed(file.type === "chunk" ? file.code : file.source), 0);
}

function appSize() {
  const files = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name) && !forTests.test(name));
  return files.reduce((sum, name) => sum + packed(readFileSync(join(assets, name))), 0);
}

/** What of a published package reaches a browser, without what the host brings. */
function published(name) {
  const folder = join(web, "dist", name);
  const files = readdirSync(folder).filter((file) => /\.(js|css|svg)$/.test(file));
  return files.reduce((sum, file) => sum + packed(readFileSync(join(folder, file))), 0);
}

execFileSync(process.execPath, [join(web, "scripts/packages.mjs")], { stdio: "inherit" });
const client = await bundled("index.ts");
const state = await bundled("reducer.ts", "selectors.ts");
// Of the first two, 2 kB and 1 kB are what it takes to hold the line: resuming, replaying, telling the truth about it.
const rows = [
  { name: "client: core, worker, worklets", bytes: client - state, budget: 14_000 },
  { name: "client: state of the page", bytes: state, budget: 5_000 },
  { name: "page, scripts and styles", bytes: appSize(), budget: 100_000 },
  { name: "@holdfast/client, as published", bytes: published("client"), budget: 30_000 },
  { name: "@holdfast/react, as published", bytes: published("react"), budget: 20_000 },
];
for (const { name, bytes, budget } of rows) {
  const verdict = bytes <= budget ? "ok" : "OVER";
  console.log(`${verdict.padEnd(5)}${name.padEnd(34)}${(bytes / 1000).toFixed(1).padStart(6)} kB gz of ${budget / 1000}`);
}
process.exitCode = rows.every(({ bytes, budget }) => bytes <= budget) ? 0 : 1;
