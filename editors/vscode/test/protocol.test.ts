import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { DOCUMENT_SELECTOR } from "../src/protocol";

const root = path.resolve(__dirname, "..");
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
  version: string;
  capabilities: { untrustedWorkspaces: { supported: unknown; restrictedConfigurations: string[] } };
  contributes: { commands: { title: string }[]; configuration: { properties: Record<string, unknown> } };
};

test("documents are files or have no name yet", () => {
  const schemes = new Set(DOCUMENT_SELECTOR.map((filter) => (typeof filter === "object" && "scheme" in filter ? filter.scheme : undefined)));
  assert.deepEqual([...schemes].sort(), ["file", "untitled"]);
});

test("a setting that names a program is restricted", () => {
  assert.deepEqual(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations, ["stackref.path"]);
  assert.equal(manifest.capabilities.untrustedWorkspaces.supported, "limited");
});

test("the README lists each setting and each command", () => {
  const readme = readFileSync(path.join(root, "README.md"), "utf8");
  for (const setting of Object.keys(manifest.contributes.configuration.properties)) {
    assert.ok(readme.includes(`\`${setting}\``), setting);
  }
  for (const { title } of manifest.contributes.commands) {
    assert.ok(readme.includes(`*stackref: ${title}*`), title);
  }
});

test("the version is that of stackref", () => {
  const cargo = readFileSync(path.join(root, "../../Cargo.toml"), "utf8");
  assert.equal(manifest.version, /^version = "(.*)"/m.exec(cargo)?.[1]);
});
