// Determines whether a program is a stackref with a language server.

import { execFile } from "node:child_process";
import { homedir } from "node:os";

export type ProbeResult =
  | { readonly kind: "ok" }
  /** The program runs, but has no command `lsp`. */
  | { readonly kind: "too-old" }
  | { readonly kind: "failed"; readonly reason: string };

const TIME_LIMIT_MS = 10_000;
const MAX_OUTPUT_BYTES = 1_000_000;

/** Runs `stackref lsp --help`, which fails in versions without a language server. */
export function probe(program: string, environment: NodeJS.ProcessEnv, timeLimitMs = TIME_LIMIT_MS): Promise<ProbeResult> {
  const options = { cwd: homedir(), env: environment, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT_BYTES, timeout: timeLimitMs, windowsHide: true } as const;
  return new Promise((resolve) => {
    const failed = (reason: string) => resolve({ kind: "failed", reason });
    try {
      const child = execFile(program, ["lsp", "--help"], options, (error) => {
        if (error === null) {
          resolve({ kind: "ok" });
        } else if (error.killed) {
          failed(`no answer within ${timeLimitMs / 1000} s`);
        } else if (error.code === 2) {
          resolve({ kind: "too-old" });
        } else {
          failed(typeof error.code === "number" ? `exit code ${error.code}` : error.message);
        }
      });
      child.stdin?.end();
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
    }
  });
}
