// Tests the language server with the client code of VS Code in headless chromium: `node run.mjs STACKREF FOLDER`.
//
// FOLDER receives the bundle, a copy of the project, and pictures. Everything listens on loopback only, and ends after LIMIT_MS at the
// latest. The last line is `N passed, N failed`.

import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { chromium } from "playwright-core";
import { WebSocketServer } from "ws";
import { bundle } from "./bundle.mjs";

const LIMIT_MS = 180_000;
const STEP_MS = 20_000;
const OPENED = "stacks/production.yaml";
const TYPES = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json" };

const [program, folder] = process.argv.slice(2).map((argument) => path.resolve(argument));
if (folder === undefined) {
  console.error("usage: node run.mjs STACKREF FOLDER");
  process.exit(2);
}
process.chdir(import.meta.dirname);
const project = path.join(folder, "project");
const pictures = path.join(folder, "pictures");
const counts = { passed: 0, failed: 0 };

function expect(description, actual, expected = true) {
  const passed = isDeepStrictEqual(actual, expected);
  counts[passed ? "passed" : "failed"] += 1;
  if (!passed) {
    console.error(`FAILED ${description}\n  expected ${JSON.stringify(expected)}\n  actual   ${JSON.stringify(actual)}`);
  }
}

/** Connects a WebSocket to the standard input and output of a new server. Returns the process. */
function startServer(socket) {
  const server = spawn(program, ["lsp"], { cwd: project, stdio: ["pipe", "pipe", "inherit"] });
  let buffer = Buffer.alloc(0);
  server.stdout.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      const end = buffer.indexOf("\r\n\r\n");
      const length = end < 0 ? NaN : Number(/Content-Length: (\d+)/i.exec(buffer.subarray(0, end).toString())?.[1]);
      if (!(buffer.length >= end + 4 + length)) {
        return;
      }
      socket.send(buffer.subarray(end + 4, end + 4 + length).toString());
      buffer = buffer.subarray(end + 4 + length);
    }
  });
  socket.on("message", (data) => server.stdin.write(`Content-Length: ${data.length}\r\n\r\n${data}`));
  socket.on("close", () => server.stdin.end());
  server.on("exit", () => socket.close());
  return server;
}

/** Returns the text of each file of the project, by its path. */
function projectFiles() {
  const entries = readdirSync(project, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  return Object.fromEntries(files.map((file) => [path.relative(project, file), readFileSync(file, "utf8")]));
}

/** Serves the page. Other origins cannot connect to the server. */
function serve(servers) {
  const http = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/project") {
      response.setHeader("Content-Type", TYPES[".json"]);
      response.end(JSON.stringify({ folder: project, files: projectFiles(), opened: OPENED }));
      return;
    }
    const file = pathname === "/" ? "page.html" : path.join(folder, "bundle", path.posix.normalize(pathname));
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("Content-Type", TYPES[path.extname(file)] ?? "application/octet-stream");
    response.end(readFileSync(file));
  });
  const verifyClient = ({ origin }) => origin === `http://127.0.0.1:${http.address().port}`;
  new WebSocketServer({ server: http, path: "/server", verifyClient }).on("connection", (socket) => servers.push(startServer(socket)));
  return new Promise((resolve) => http.listen(0, "127.0.0.1", () => resolve(http)));
}

/** Returns the text of a file in the editor: of its model if it is open. */
function text(page, name) {
  return page.evaluate(async ([folder, name]) => {
    const uri = monaco.Uri.file(`${folder}/${name}`);
    return (monaco.editor.getModel(uri) ?? (await monaco.editor.createModelReference(uri)).object.textEditorModel).getValue();
  }, [project, name]);
}

async function line(page, number) {
  return (await text(page, OPENED)).split("\n")[number - 1];
}

/** Waits until a function returns the expected value, and counts it. */
async function eventually(page, description, actual, expected) {
  const end = Date.now() + STEP_MS;
  let value = await actual();
  while (!isDeepStrictEqual(value, expected) && Date.now() < end) {
    await page.waitForTimeout(100);
    value = await actual();
  }
  expect(description, value, expected);
}

function markers(page) {
  return page.evaluate(([folder, name]) => {
    const found = monaco.editor.getModelMarkers({ resource: monaco.Uri.file(`${folder}/${name}`) });
    return found.map(({ code, startLineNumber, startColumn, endLineNumber, endColumn }) => {
      return [code?.value ?? code, startLineNumber, startColumn, endLineNumber, endColumn];
    });
  }, [project, OPENED]);
}

async function place(page, lineNumber, column) {
  await page.evaluate(([lineNumber, column]) => {
    editor.setPosition({ lineNumber, column });
    editor.focus();
  }, [lineNumber, column]);
}

async function testDiagnostics(page) {
  await eventually(page, "the diagnostic is at the reference", () => markers(page), [["unknown-key", 11, 27, 11, 45]]);
  await page.locator(".squiggly-error").first().waitFor({ timeout: STEP_MS });
  await place(page, 11, 40);
  await page.evaluate(() => editor.trigger("test", "editor.action.showHover", {}));
  const hover = page.locator(".monaco-hover:not(.hidden)").first();
  await hover.waitFor({ timeout: STEP_MS });
  await eventually(page, "the hover shows the message", async () => (await hover.innerText()).includes("has no key `pasword`"), true);
  await page.screenshot({ path: path.join(pictures, "diagnostic.png") });
  await page.keyboard.press("Escape");
}

async function testCompletion(page) {
  await place(page, 10, 25);
  await page.keyboard.type(' "{{ml', { delay: 40 });
  const widget = page.locator(".suggest-widget.visible");
  await widget.waitFor({ timeout: STEP_MS });
  await eventually(page, "the secret is suggested", async () => (await widget.innerText()).includes("mlflow"), true);
  await page.screenshot({ path: path.join(pictures, "completion-of-a-secret.png") });
  await page.keyboard.press("Enter");
  await page.keyboard.type(".", { delay: 40 });
  await widget.waitFor({ timeout: STEP_MS });
  await eventually(page, "the keys are suggested", async () => /password[\s\S]*username/.test(await widget.innerText()), true);
  await page.screenshot({ path: path.join(pictures, "completion-of-a-key.png") });
  await page.keyboard.type("user", { delay: 40 });
  await page.keyboard.press("Enter");
  await eventually(page, "the completion is applied", () => line(page, 10), '      tracking_username: "{{mlflow.username}}"');
}

async function testQuickFix(page) {
  await place(page, 11, 40);
  await page.keyboard.press("Control+.");
  const menu = page.locator(".action-widget:visible").first();
  await menu.waitFor({ timeout: STEP_MS });
  await page.screenshot({ path: path.join(pictures, "quick-fix.png") });
  await menu.getByText("password").first().click();
  await eventually(page, "the quick fix is applied", () => line(page, 11), '      tracking_password: "{{mlflow.password}}" # 😀 the key is misspelled');
  await eventually(page, "the diagnostic is gone", () => markers(page), []);
}

async function testRename(page) {
  await place(page, 11, 31);
  await page.keyboard.press("F2");
  const input = page.locator(".rename-input");
  await input.waitFor({ timeout: STEP_MS });
  expect("the rename starts with the name", await input.inputValue(), "mlflow");
  await input.fill("tracker");
  await page.screenshot({ path: path.join(pictures, "rename.png") });
  await page.keyboard.press("Enter");
  await eventually(page, "the reference is renamed", () => line(page, 11), '      tracking_password: "{{tracker.password}}" # 😀 the key is misspelled');
  const other = await text(page, "stacks/staging.yaml");
  expect("references of other files are renamed", other.match(/\{\{.*?\}\}/g), ["{{tracker.username}}", "{{tracker.password}}"]);
  const names = await text(page, "names.yaml");
  expect("the inventory is renamed", names.split("\n")[2], "tracker: [password, username]");
  await page.screenshot({ path: path.join(pictures, "renamed.png") });
}

/** Shows a file in the editor. */
function show(page, name) {
  return page.evaluate(async ([folder, name]) => {
    const reference = await monaco.editor.createModelReference(monaco.Uri.file(`${folder}/${name}`));
    editor.setModel(reference.object.textEditorModel);
  }, [project, name]);
}

async function testCodeLens(page) {
  await show(page, "names.yaml");
  const lens = page.locator(".codelens-decoration a").filter({ hasText: "4 uses" }).first();
  await lens.waitFor({ timeout: STEP_MS });
  await page.screenshot({ path: path.join(pictures, "code-lens.png") });
  await lens.click();
  const references = page.locator(".reference-zone-widget, .peekview-widget").first();
  await references.waitFor({ timeout: STEP_MS });
  await eventually(page, "the references are shown", async () => /production\.yaml[\s\S]*staging\.yaml/.test(await references.innerText()), true);
  await page.screenshot({ path: path.join(pictures, "references.png") });
  await page.keyboard.press("Escape");
  await show(page, OPENED);
}

/** Runs a test. A step that fails does not end the others. */
async function run(name, test, page) {
  try {
    await test(page);
  } catch (error) {
    await page.screenshot({ path: path.join(pictures, `failed-${name}.png`) }).catch(() => undefined);
    expect(`${name}: ${error instanceof Error ? error.message : error}`, false);
  }
}

async function testPage(browser, address) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 420 } });
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => (message.type() === "error" ? problems.push(message.text()) : undefined));
  page.on("request", (request) => (request.url().startsWith(address) || /^(data|blob):/.test(request.url()) ? undefined : problems.push(`request ${request.url()}`)));
  await page.goto(address);
  await page.waitForFunction(() => window.ready || window.failure, undefined, { timeout: 3 * STEP_MS });
  expect("the page starts", (await page.evaluate(() => window.failure)) ?? null, null);
  await run("diagnostics", testDiagnostics, page);
  await run("completion", testCompletion, page);
  await run("quick-fix", testQuickFix, page);
  await run("code-lens", testCodeLens, page);
  await run("rename", testRename, page);
  expect("the page has no errors and no other requests", problems, []);
}

function findChromium() {
  const names = ["chromium", "google-chrome", "chrome"];
  const files = (process.env.PATH ?? "").split(path.delimiter).flatMap((entry) => names.map((name) => path.join(entry, name)));
  return files.find(existsSync);
}

for (const each of ["bundle", "pictures", "project"]) {
  rmSync(path.join(folder, each), { force: true, recursive: true });
}
mkdirSync(pictures, { recursive: true });
cpSync("../test-project", project, { recursive: true });
await bundle(path.join(folder, "bundle"));
const servers = [];
const http = await serve(servers);
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ args, executablePath: findChromium() });
/** Ends what this script has started, by its process id. */
async function end() {
  await browser.close().catch(() => undefined);
  for (const server of servers) {
    server.kill("SIGKILL");
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
}
setTimeout(() => {
  expect(`the test ends within ${LIMIT_MS / 1000} s`, false);
  void end();
}, LIMIT_MS);
try {
  await testPage(browser, `http://127.0.0.1:${http.address().port}`);
} catch (error) {
  expect(`the test ends: ${error instanceof Error ? error.stack : error}`, false);
}
await end();
