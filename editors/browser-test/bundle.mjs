// Bundles the page with VS Code's own code.

import { copyFileSync, mkdirSync } from "node:fs";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

const ASSETS = { ".html": "dataurl", ".json": "json", ".mp3": "dataurl", ".png": "dataurl", ".svg": "dataurl", ".ttf": "dataurl", ".woff": "dataurl" };

/** Returns the text of a style sheet, as VS Code's packages expect it. */
const styleSheets = {
  name: "style sheets",
  setup(current) {
    current.onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
      const { outputFiles } = await build({ bundle: true, entryPoints: [file], loader: ASSETS, logLevel: "error", write: false });
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};

/** Copies the files that modules name with `new URL("./file", import.meta.url)`. */
function assets(folder) {
  return {
    name: "assets",
    setup(current) {
      current.onLoad({ filter: /@codingame[/\\].*\.js$/ }, async ({ path: file }) => {
        const source = await readFile(file, "utf8");
        const contents = source.replace(/new URL\(['"`](\.{1,2}\/[^'"`$]+)['"`], import\.meta\.url\)/g, (_, name) => {
          const asset = path.resolve(path.dirname(file), name);
          const copy = `assets/${createHash("sha256").update(asset).digest("hex").slice(0, 16)}${path.extname(asset)}`;
          copyFileSync(asset, path.join(folder, copy));
          return `new URL(${JSON.stringify(`/${copy}`)}, location.href)`;
        });
        return { contents, loader: "js" };
      });
    },
  };
}

/** Writes the page's scripts into a folder. */
export async function bundle(folder) {
  mkdirSync(path.join(folder, "assets"), { recursive: true });
  // Code for `node:` is in branches that never run here.
  const common = { bundle: true, external: ["node:*"], format: "esm", logLevel: "error", outdir: folder, sourcemap: false, target: "es2022" };
  await build({
    ...common,
    // The client requires `vscode`, which the extension host provides in VS Code.
    alias: { vscode: "@codingame/monaco-vscode-extension-api" },
    conditions: ["browser"],
    entryPoints: ["page.ts"],
    // The sources of the extension are bundled, too, with the packages of this folder.
    nodePaths: ["node_modules"],
    plugins: [styleSheets, assets(folder)],
    splitting: true,
  });
  await build({ ...common, entryPoints: { worker: "@codingame/monaco-vscode-api/workers/editor.worker" } });
}
