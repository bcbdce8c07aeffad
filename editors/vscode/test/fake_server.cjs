#!/usr/bin/env node
// A language server for tests, with the arguments of `stackref`. It appends each message that it receives to the file $FAKE_LOG.

const { appendFileSync } = require("node:fs");

if (process.argv[3] === "--help") {
  process.exit(0);
}
if (process.env.FAKE_EXIT !== undefined) {
  process.exit(Number(process.env.FAKE_EXIT));
}
const log = (entry) => appendFileSync(process.env.FAKE_LOG, `${JSON.stringify(entry)}\n`);
const send = (message) => {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  process.stdout.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
};
const RESULTS = {
  initialize: { capabilities: { executeCommandProvider: { commands: ["stackref.refreshInventories"] } } },
};

log({ method: "start", arguments: process.argv.slice(2), folder: process.cwd(), trust: process.env.STACKREF_TRUST });
let buffer = Buffer.alloc(0);
process.stdin.on("data", (data) => {
  buffer = Buffer.concat([buffer, data]);
  for (;;) {
    const end = buffer.indexOf("\r\n\r\n");
    const length = Number(/Content-Length: (\d+)/.exec(buffer.subarray(0, Math.max(end, 0)).toString())?.[1]);
    if (end < 0 || buffer.length < end + 4 + length) {
      return;
    }
    const message = JSON.parse(buffer.subarray(end + 4, end + 4 + length).toString());
    buffer = buffer.subarray(end + 4 + length);
    if (message.method === undefined) {
      log({ method: "response", result: message.result });
      continue;
    }
    log({ method: message.method, params: message.params });
    if (message.id !== undefined) {
      send({ id: message.id, result: RESULTS[message.method] ?? null });
    }
    if (message.method === "initialized") {
      send({ id: 1, method: "workspace/configuration", params: { items: [{ section: "stackref" }] } });
    }
    if (message.method === "exit") {
      process.exit(0);
    }
  }
});
process.stdin.on("end", () => process.exit(1));
