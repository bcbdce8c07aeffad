// Runs the bundle of the extension in node, with a fake editor and a fake server.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, beforeEach, test } from "node:test";
import { FakeEditor } from "./fake_vscode";

interface Entry {
  readonly method: string;
  readonly params?: { readonly initializationOptions?: unknown; readonly command?: string; readonly settings?: unknown; readonly arguments?: unknown[] };
  readonly result?: unknown;
  readonly arguments?: string[];
  readonly folder?: string;
  readonly trust?: string;
}

const root = path.resolve(__dirname, "..");
const home = mkdtempSync(path.join(tmpdir(), "stackref-"));
const log = path.join(home, "log");
const workspace = path.join(home, "workspace");
const tools = path.join(home, "tools");
const editor = new FakeEditor();
editor.install();
const extension = createRequire(__filename)(path.join(root, "dist/extension.js")) as {
  activate(context: { subscriptions: { dispose(): void }[] }): Promise<void>;
  deactivate(): Promise<void>;
};
const subscriptions: { dispose(): void }[] = [];

/** Installs the fake server as `stackref` in a folder, and returns its path. */
function install(folder: string): string {
  mkdirSync(folder, { recursive: true });
  copyFileSync(path.join(root, "test/fake_server.cjs"), path.join(folder, "stackref"));
  return path.join(folder, "stackref");
}

function entries(method: string): Entry[] {
  const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
  return lines.map((line) => JSON.parse(line) as Entry).filter((entry) => entry.method === method);
}

/** Waits until the server has received messages of a method. */
async function received(method: string, count = 1): Promise<Entry[]> {
  for (let tries = 0; tries < 1200 && entries(method).length < count; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.equal(entries(method).length, count, method);
  return entries(method);
}

beforeEach(() => {
  mkdirSync(workspace, { recursive: true });
  process.env["FAKE_LOG"] = log;
  process.env["PATH"] = `${tools}:${path.dirname(process.execPath)}`;
  delete process.env["VIRTUAL_ENV"];
  process.env["STACKREF_TRUST"] = "1";
  Object.assign(editor, { isTrusted: true, folders: [workspace], userSettings: {}, workspaceSettings: {}, interpreter: undefined });
  editor.errors.length = 0;
  editor.executed.length = 0;
});
afterEach(async () => {
  await extension.deactivate();
  for (const subscription of subscriptions.splice(0)) {
    subscription.dispose();
  }
  for (const each of [tools, workspace, log]) {
    rmSync(each, { force: true, recursive: true });
  }
});
after(() => rmSync(home, { recursive: true }));

test("the server starts with the settings, and stops", async () => {
  install(tools);
  editor.workspaceSettings = { "stackref.diagnosticMode": "openFilesOnly", "stackref.inventoryTtl": 60 };
  await extension.activate({ subscriptions });
  const [start] = await received("start");
  assert.deepEqual(start?.arguments, ["lsp"]);
  assert.equal(start?.trust, "1");
  const [initialize] = await received("initialize");
  const expected = { diagnosticMode: "openFilesOnly", inventoryTtl: 60, clientCommands: ["stackref.showReferences"] };
  assert.deepEqual(initialize?.params?.initializationOptions, expected);
  const [configuration] = await received("response");
  assert.deepEqual(configuration?.result, [{ diagnosticMode: "openFilesOnly", inventoryTtl: 60 }]);
  await extension.deactivate();
  await received("shutdown");
  await received("exit");
  assert.deepEqual(editor.errors, []);
});

test("the command of the server is registered while it runs", async () => {
  install(tools);
  await extension.activate({ subscriptions });
  await editor.commands.get("stackref.refreshInventories")?.(undefined);
  const [call] = await received("workspace/executeCommand");
  assert.equal(call?.params?.command, "stackref.refreshInventories");
  await extension.deactivate();
  assert.equal(editor.commands.has("stackref.refreshInventories"), false);
});

test("each command of the manifest is registered", async () => {
  install(tools);
  await extension.activate({ subscriptions });
  const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { contributes: { commands: { command: string }[] } };
  const declared = manifest.contributes.commands.map((each) => each.command);
  assert.deepEqual([...editor.commands.keys()].sort(), [...declared, "stackref.showReferences"].sort());
});

test("references are shown with converted arguments", async () => {
  install(tools);
  await extension.activate({ subscriptions });
  const range = { start: { line: 3, character: 4 }, end: { line: 3, character: 9 } };
  const show = editor.commands.get("stackref.showReferences") as unknown as (...call: unknown[]) => unknown;
  await show("file:///a.yaml", { line: 1, character: 2 }, [{ uri: "file:///b.yaml", range }]);
  const [command, uri, position, locations] = editor.executed.find((call) => call[0] === "editor.action.showReferences") ?? [];
  assert.equal(command, "editor.action.showReferences");
  assert.equal(String(uri), "file:///a.yaml");
  assert.deepEqual({ ...(position as object) }, { line: 1, character: 2 });
  assert.deepEqual((locations as { uri: unknown }[]).map((location) => String(location.uri)), ["file:///b.yaml"]);
});

test("a restart stops the server and starts it again", async () => {
  install(tools);
  await extension.activate({ subscriptions });
  await editor.commands.get("stackref.restart")?.(undefined);
  await received("exit", 1);
  await received("start", 2);
  await received("initialize", 2);
});

test("a change of the path restarts the server, other changes do not", async () => {
  install(tools);
  const other = install(path.join(home, "other"));
  await extension.activate({ subscriptions });
  await editor.change("stackref.inventoryTtl", 1);
  const changes = await received("workspace/didChangeConfiguration", 2);
  assert.deepEqual(changes[1]?.params?.settings, { stackref: { inventoryTtl: 1 } });
  await received("start", 1);
  await editor.change("stackref.path", other);
  await received("start", 2);
  await editor.change("stackref.path", "/does/not/exist");
  await received("exit", 2);
  assert.deepEqual(editor.errors.length, 1);
  assert.match(editor.errors[0] ?? "", /"stackref\.path" does not name a program: \/does\/not\/exist/);
});

test("another interpreter restarts the server only if its environment has another program", async () => {
  install(tools);
  const environment = path.dirname(install(path.join(home, "environment/bin")));
  await extension.activate({ subscriptions });
  await editor.change("python.defaultInterpreterPath", "/usr/bin/python3");
  await received("start", 1);
  await editor.change("python.defaultInterpreterPath", path.join(environment, "python"));
  await received("start", 2);
  await received("exit", 1);
});

test("the interpreter of the Python extension selects the program", async () => {
  const first = path.dirname(install(path.join(home, "first/bin")));
  const second = path.dirname(install(path.join(home, "second/bin")));
  editor.interpreter = path.join(first, "python");
  await extension.activate({ subscriptions });
  await received("start", 1);
  await editor.onDidChangeInterpreter.fire();
  await received("exit", 0);
  editor.interpreter = path.join(second, "python");
  await editor.onDidChangeInterpreter.fire();
  await received("start", 2);
  assert.deepEqual(editor.errors, []);
});

test("the interpreter of the Python extension has no effect in an untrusted workspace", async () => {
  editor.interpreter = path.join(path.dirname(install(path.join(home, "other/bin"))), "python");
  editor.isTrusted = false;
  await extension.activate({ subscriptions });
  assert.match(editor.errors.join(), /not installed/);
  assert.deepEqual(entries("start"), []);
});

test("a missing program is one message", async () => {
  await extension.activate({ subscriptions });
  assert.equal(editor.errors.length, 1);
  assert.match(editor.errors[0] ?? "", /not installed/);
  assert.deepEqual(entries("start"), []);
});

test("a server that ends at once is one message", async () => {
  process.env["FAKE_EXIT"] = "1";
  install(tools);
  await extension.activate({ subscriptions });
  delete process.env["FAKE_EXIT"];
  assert.equal(editor.errors.length, 1, editor.errors.join("\n"));
  assert.match(editor.errors[0] ?? "", /Cannot start .*stackref/);
});

test("a program of the workspace runs only after the user trusts the workspace", async () => {
  const program = install(path.join(workspace, ".venv/bin"));
  editor.isTrusted = false;
  editor.workspaceSettings = { "stackref.path": program, "python.defaultInterpreterPath": "/usr/bin/python3" };
  await extension.activate({ subscriptions });
  assert.match(editor.errors.join(), /not trusted/);
  assert.deepEqual(entries("start"), []);
  editor.isTrusted = true;
  await editor.onDidGrantWorkspaceTrust.fire();
  await received("start", 1);
});

test("settings of an untrusted workspace select no program", async () => {
  install(tools);
  const other = path.dirname(install(path.join(home, "other/bin")));
  editor.isTrusted = false;
  editor.workspaceSettings = { "stackref.path": `${other}/stackref`, "python.defaultInterpreterPath": `${other}/python` };
  rmSync(path.join(tools, "stackref"));
  await extension.activate({ subscriptions });
  assert.match(editor.errors.join(), /not installed/);
  assert.deepEqual(entries("start"), []);
});

test("stackref trusts nothing of an untrusted workspace", async () => {
  install(tools);
  editor.isTrusted = false;
  await extension.activate({ subscriptions });
  const [start] = await received("start");
  assert.equal(start?.trust, undefined);
  assert.equal(start?.folder, homedir());
});
