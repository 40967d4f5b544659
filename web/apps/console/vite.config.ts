import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The gateway that `npm run dev:console` talks to. */
const gateway = process.env["HOLDFAST_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  root: here("."),
  base: "/console/",
  plugins: [react()],
  build: {
    outDir: here("../../../src/holdfast/_web/console"),
    emptyOutDir: true,
    target: "es2022",
    // The content security policy knows neither blob: nor data:.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": gateway } },
});
