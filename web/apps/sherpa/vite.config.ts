import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { Features } from "lightningcss";
import { defineConfig, type Plugin } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The gateway that `npm run dev` talks to. */
const gateway = process.env["HOLDFAST_URL"] ?? "http://127.0.0.1:8080";

/** What is loaded on demand, for tests alone, brings nothing along that a visitor would have to load a helper for. */
const noPreload: Plugin = {
  name: "no-preload",
  enforce: "pre",
  load: (id) => (id === "\0vite/preload-helper.js" ? "export const __vitePreload = (load) => load();" : undefined),
};

/** What React looks for and a visitor has no use for: its developer tools, and a process to tell of errors. */
const noTools: Plugin = {
  name: "no-tools",
  apply: "build",
  config: () => ({ define: { __REACT_DEVTOOLS_GLOBAL_HOOK__: "undefined", "process.emit": "undefined" } }),
};

export default defineConfig({
  root: here("."),
  // Two palettes stand under a media query: no helper variables for `light-dark()`, which is not used.
  css: { lightningcss: { exclude: Features.LightDark } },
  plugins: [react(), noPreload, noTools],
  // Annotations are for bundlers; nobody bundles these again.
  worker: { format: "es", rolldownOptions: { output: { comments: false } } },
  build: {
    outDir: here("../../../src/holdfast/_web"),
    emptyOutDir: true,
    target: "es2022",
    // Every script is a file with an address: the content security policy knows neither blob: nor data:.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      "/api": { target: gateway, ws: true },
      "/healthz": gateway,
    },
  },
});
