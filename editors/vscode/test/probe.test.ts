import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { probeMessage, searchMessage } from "../src/messages";
import { probe } from "../src/probe";

const folder = mkdtempSync(path.join(tmpdir(), "stackref-"));
after(() => rmSync(folder, { recursive: true }));

function script(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

test("a program with the command lsp is accepted", async () => {
  const program = script("new", '#!/bin/sh\n[ "$*" = "lsp --help" ] && echo help\n');
  assert.deepEqual(await probe(program, process.env), { kind: "ok" });
  assert.equal(probeMessage(program, { kind: "ok" }), undefined);
});

test("a program without the command lsp is too old", async () => {
  const program = script("old", "#!/bin/sh\necho 'error: unrecognized subcommand' >&2\nexit 2\n");
  const result = await probe(program, process.env);
  assert.deepEqual(result, { kind: "too-old" });
  assert.equal(probeMessage("/old", result), '/old has no language server. Install a newer version of stackref, or set "stackref.path". Then run the command "stackref: Restart Server".');
});

test("a program that cannot run is reported with the reason", async () => {
  const cases: [string, RegExp, number?][] = [
    [script("crash", "#!/bin/sh\nexit 70\n"), /: exit code 70\. Install/],
    [script("no-interpreter", "#!/does/not/exist\n"), /ENOENT/],
    [script("hangs", "#!/bin/sh\nexec sleep 60\n"), /no answer within 0\.3 s/, 300],
    [path.join(folder, "missing"), /ENOENT/],
    [folder, /EACCES/],
    ["a\0b", /null bytes/],
  ];
  for (const [program, expected, timeLimitMs] of cases) {
    const result = await probe(program, process.env, timeLimitMs);
    assert.match(probeMessage(program, result) ?? "", expected);
  }
});

test("a program reads no input of the editor", async () => {
  const program = script("reads", "#!/bin/sh\ncat\n");
  assert.deepEqual(await probe(program, process.env), { kind: "ok" });
});

test("each result of the search has a message with a remedy", () => {
  assert.equal(searchMessage({ kind: "found", program: "/p" }), undefined);
  assert.match(searchMessage({ kind: "missing" }) ?? "", /is not installed\. Install it .* or set "stackref\.path"/);
  assert.match(searchMessage({ kind: "wrong-setting", program: "/p" }) ?? "", /\/p\. Correct or remove the setting/);
  assert.match(searchMessage({ kind: "untrusted", program: "/p" }) ?? "", /\/p was not run.* Trust the workspace, or/);
});
