// SPDX-License-Identifier: GPL-3.0-or-later
// node build.mjs DIR: bundles src/ into DIR/viewer.js, DIR/viewer.css and DIR/viewer-data.c
import { build } from "esbuild";
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] || join(here, "dist");
mkdirSync(out, { recursive: true });

await build({
  absWorkingDir: here,
  entryPoints: { viewer: "src/main.tsx" },
  outdir: out,
  bundle: true,
  minify: true,
  charset: "ascii",
  format: "iife",
  target: ["chrome111", "firefox113", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
});

const array = (name, file) => {
  const bytes = readFileSync(file);
  if (/<\/script|<!--/i.test(bytes.toString("latin1"))) throw new Error(`${file} cannot stand inside a page`);
  const lines = [];
  for (let i = 0; i < bytes.length; i += 32) lines.push("    " + [...bytes.subarray(i, i + 32)].join(",") + ",");
  return `const unsigned char ${name}[] = {\n${lines.join("\n")}\n};\nconst size_t ${name}_size = ${bytes.length};\n`;
};
writeFileSync(
  join(out, "viewer-data.c"),
  `/* SPDX-License-Identifier: GPL-3.0-or-later */\n/* Made by web/build.mjs. */\n#include "report/viewer.h"\n\n` +
    array("viewer_js", join(out, "viewer.js")) + array("viewer_css", join(out, "viewer.css")));
