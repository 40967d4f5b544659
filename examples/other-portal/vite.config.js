import { defineConfig } from "vite";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic" } },
  // The package names three scripts by `new URL(..., import.meta.url)`: the development server must leave them so.
  optimizeDeps: { exclude: ["@holdfast/client"] },
});
