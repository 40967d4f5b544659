/**
 * The two packages as they are published: `npm run packages` writes dist/client and dist/react, ready for `npm pack`.
 *
 * What lives here: bundling, declarations, and each package's own package.json. The sources' package.json point at
 * TypeScript, so that nothing in this checkout waits for a build. What never will: what the page is built from.
 */

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const web = fileURLToPath(new URL("..", import.meta.url));
const dist = join(web, "dist");
const SCRIPTS = ["net.worker", "capture.worklet", "playback.worklet"];

/** Scripts off the main thread are files beside the module: every bundler knows this spelling of their address. */
const besideUs = {
  name: "beside-us",
  resolveId(source) {
    return source.endsWith("?worker&url") ? `\0${source}` : undefined;
  },
  load(id) {
    const script = /^\0\.\/(.*)\.ts\?worker&url$/.exec(id);
    return script === null ? undefined : `export default new URL("./${script[1]}.js", import.meta.url).href;`;
  },
};

function source(name, path) {
  return join(web, "packages", name, "src", path);
}

async function bundle(input, file, { minify = false, external = [], banner = "", plugins = [] } = {}) {
  await build({
    input,
    external,
    plugins,
    platform: "browser",
    transform: { target: "es2022", jsx: "react-jsx" },
    output: { file, format: "esm", minify, banner },
  });
}

/** Declarations as TypeScript writes them; with the endings that Node's own resolution wants. */
function declarations() {
  const tsc = join(web, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", join(web, "tsconfig.packages.json")], { stdio: "inherit" });
  for (const name of ["client", "react"]) {
    const types = join(dist, "types", name, "src");
    for (const file of readdirSync(types, { recursive: true })) {
      if (!file.endsWith(".d.ts")) continue;
      const text = readFileSync(join(types, file), "utf8");
      const ended = text.replace(/(from |import\()"(\.[^"]*)"/g, '$1"$2.js"');
      const target = join(dist, name, "types", file);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, ended);
    }
  }
  rmSync(join(dist, "types"), { recursive: true });
}

function describe(name, exports, more) {
  const ours = JSON.parse(readFileSync(join(web, "packages", name, "package.json"), "utf8"));
  const { private: _, exports: __, ...kept } = ours;
  const published = {
    ...kept,
    exports: { ...exports, "./package.json": "./package.json" },
    types: "./types/index.d.ts",
    ...more,
  };
  writeFileSync(join(dist, name, "package.json"), `${JSON.stringify(published, undefined, 2)}\n`);
  cpSync(join(web, "packages", name, "README.md"), join(dist, name, "README.md"));
  for (const file of ["LICENSE", "NOTICE"]) cpSync(join(web, "..", file), join(dist, name, file));
}

rmSync(dist, { recursive: true, force: true });

for (const script of SCRIPTS) {
  // Bundlers put small files into the page as data:, which a strict policy refuses: the worklets stay readable, and
  // with that large enough (over 4 kB) to remain files.
  const minify = script === "net.worker";
  await bundle(source("client", `${script}.ts`), join(dist, "client", `${script}.js`), { minify });
}
await bundle(source("client", "index.ts"), join(dist, "client/index.js"), { plugins: [besideUs] });
await bundle(source("react", "index.ts"), join(dist, "react/index.js"), {
  external: ["@holdfast/client", "react", "react/jsx-runtime"],
  // For frameworks that render on a server: this is for the browser.
  banner: '"use client";',
});
for (const file of ["sherpa.css", "hills.svg"]) cpSync(source("react", file), join(dist, "react", file));
declarations();

const module = { ".": { types: "./types/index.d.ts", default: "./index.js" } };
const scripts = Object.fromEntries(SCRIPTS.map((script) => [`./${script}.js`, `./${script}.js`]));
describe("client", { ...module, ...scripts }, { sideEffects: false, files: ["*.js", "types", "NOTICE"] });
describe("react", { ...module, "./sherpa.css": "./sherpa.css" }, {
  sideEffects: ["*.css"],
  files: ["*.js", "*.css", "*.svg", "types", "NOTICE"],
});
