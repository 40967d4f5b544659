/**
 * Sizes of what was built, packed with gzip, against their budgets. Exits with 1 when one is over.
 * With `--json` the last line is the whole table: each file of the page, too, and what brotli makes of it.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "vite";

const web = fileURLToPath(new URL("..", import.meta.url));
const built = join(web, "../src/holdfast/_web");

/** Loaded only under `?taps=1`: no part of what a visitor gets. */
const forTests = /^(tap|taps)[.-]/;

/** Bytes plain, with gzip and with brotli, of files that travel one by one. */
function packed(...files) {
  const sum = (pack) => files.reduce((bytes, file) => bytes + pack(Buffer.from(file)).length, 0);
  return { plain: sum((file) => file), gzip: sum((file) => gzipSync(file, { level: 9 })), brotli: sum((file) => brotliCompressSync(file)) };
}

/** What a host page would bundle for these entries, with everything they bring along. */
async function bundled(...entries) {
  const { output } = await build({
    root: web,
    logLevel: "silent",
    configFile: false,
    worker: { format: "es", rolldownOptions: { output: { comments: false } } },
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
  return packed(...output.map((file) => (file.type === "chunk" ? file.code : file.source)));
}

/** The scripts and styles of a page by their names without hashes. */
function filesOf(page) {
  const assets = join(built, page, "assets");
  const names = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name) && !forTests.test(name));
  return names.map((name) => ({ name: name.replace(/-[\w-]{8}\./, "."), bytes: readFileSync(join(assets, name)) }));
}

/** What of a published package reaches a browser, without what the host brings. */
function published(name) {
  const folder = join(web, "dist", name);
  const files = readdirSync(folder).filter((file) => /\.(js|css|svg)$/.test(file));
  return packed(...files.map((file) => readFileSync(join(folder, file))));
}

function without(whole, part) {
  return Object.fromEntries(Object.keys(whole).map((key) => [key, whole[key] - part[key]]));
}

execFileSync(process.execPath, [join(web, "scripts/packages.mjs")], { stdio: "inherit" });
const client = await bundled("index.ts");
const state = await bundled("reducer.ts", "selectors.ts");
const page = filesOf("");
const operator = filesOf("console");
// Of the first two, 2 kB and 1 kB are what it takes to hold the line: resuming, replaying, telling the truth about it.
const rows = [
  { name: "client: core, worker, worklets", size: without(client, state), budget: 14_200 },
  { name: "client: state of the page", size: state, budget: 5_000 },
  { name: "page, scripts and styles", size: packed(...page.map(({ bytes }) => bytes)), budget: 100_000 },
  { name: "console, scripts and styles", size: packed(...operator.map(({ bytes }) => bytes)), budget: 112_000 },
  { name: "@holdfast/client, as published", size: published("client"), budget: 30_000 },
  { name: "@holdfast/react, as published", size: published("react"), budget: 20_000 },
];
for (const { name, size, budget } of rows) {
  const verdict = size.gzip <= budget ? "ok" : "OVER";
  console.log(`${verdict.padEnd(5)}${name.padEnd(34)}${(size.gzip / 1000).toFixed(1).padStart(6)} kB gz of ${budget / 1000}`);
}
if (process.argv.includes("--json")) {
  const parts = page.map(({ name, bytes }) => ({ name: `page: ${name}`, size: packed(bytes) }));
  const kB = (bytes) => (bytes === undefined ? null : bytes / 1000);
  const table = [...rows, ...parts].map(({ name, size, budget }) => ({
    part: name,
    "plain kB": kB(size.plain),
    "gzip kB": kB(size.gzip),
    "brotli kB": kB(size.brotli),
    "budget kB": kB(budget),
  }));
  console.log(JSON.stringify(table));
}
process.exitCode = rows.every(({ size, budget }) => size.gzip <= budget) ? 0 : 1;
