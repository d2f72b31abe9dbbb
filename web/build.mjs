// Builds crates/site/assets/ from these sources. The same sources give the same bytes: nothing of the machine,
// the time or the order of files goes in.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const assets = join(here, "..", "crates", "site", "assets");
mkdirSync(assets, { recursive: true });

execFileSync(
  process.execPath,
  [
    join(here, "node_modules", "@tailwindcss", "cli", "dist", "index.mjs"),
    "--input",
    join(here, "src", "css", "app.css"),
    "--output",
    join(assets, "app.css"),
    "--minify",
  ],
  { cwd: here, stdio: ["ignore", "ignore", "inherit"] },
);

await build({
  absWorkingDir: here,
  entryPoints: { app: "src/app.ts", workspace: "src/workspace/page.ts" },
  outdir: assets,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "eof",
});

for (const icon of readdirSync(join(here, "src", "icons")).sort()) {
  copyFileSync(join(here, "src", "icons", icon), join(assets, icon));
}
