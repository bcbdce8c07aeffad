// Bundles the extension into dist, and with `--tests` the tests into out. With `--package`, writes stackref-VERSION.vsix.

import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createVSIX, listFiles } from "@vscode/vsce";
import { build } from "esbuild";

const COMMON = { bundle: true, external: ["vscode"], format: "cjs", logLevel: "warning", platform: "node", target: "node20" };

/** All files of the package. */
const FILES = ["README.md", "dist/LICENSE-APACHE", "dist/LICENSE-MIT", "dist/extension.js", "dist/licenses.txt", "package.json"];

/** Returns the names of the packages in a bundle, sorted. */
function packagesOf(metafile) {
  const names = Object.keys(metafile.inputs).map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** Returns the licenses of the packages in a bundle, as they require. */
function licenses(metafile) {
  const texts = packagesOf(metafile).map((name) => {
    const folder = path.join("node_modules", name);
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) {
      throw new Error(`${name} has no file with its license`);
    }
    const { version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    return `${name} ${version}\n\n${readFileSync(path.join(folder, file), "utf8").trim()}\n`;
  });
  return `dist/extension.js contains these packages:\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

async function bundle() {
  rmSync("dist", { force: true, recursive: true });
  const { metafile } = await build({ ...COMMON, entryPoints: ["src/extension.ts"], metafile: true, minify: true, outfile: "dist/extension.js" });
  writeFileSync("dist/licenses.txt", licenses(metafile));
  for (const file of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    copyFileSync(`../../${file}`, `dist/${file}`);
  }
}

async function bundleTests() {
  rmSync("out", { force: true, recursive: true });
  const entryPoints = readdirSync("test").filter((file) => file.endsWith(".test.ts")).map((file) => `test/${file}`);
  await build({ ...COMMON, entryPoints, outdir: "out", sourcemap: "inline" });
}

/** Writes the package. The bundle contains all dependencies. */
async function writePackage() {
  const files = (await listFiles({ dependencies: false })).sort();
  if (files.join() !== FILES.join()) {
    throw new Error(`the package would contain these files: ${files.join(" ")}`);
  }
  await createVSIX({ dependencies: false, skipLicense: true });
}

process.chdir(import.meta.dirname);
await bundle();
if (process.argv.includes("--tests")) {
  await bundleTests();
}
if (process.argv.includes("--package")) {
  await writePackage();
}
