// The messages of the extension. None of them contains text of a file.

import type { SearchResult } from "./binary";
import type { ProbeResult } from "./probe";

const THEN_RESTART = 'Then run the command "stackref: Restart Server".';

/** Returns the message for a search without a program, or `undefined` if there is one. */
export function searchMessage(result: SearchResult): string | undefined {
  switch (result.kind) {
    case "found":
      return undefined;
    case "missing":
      return `The program stackref is not installed. Install it in the Python environment of the workspace, or set "stackref.path". ${THEN_RESTART}`;
    case "wrong-setting":
      return `The setting "stackref.path" does not name a program: ${result.program}. Correct or remove the setting.`;
    case "untrusted":
      return `The program ${result.program} was not run, because it is in a workspace that is not trusted. Trust the workspace, or install stackref outside it.`;
  }
}

/** Returns the message for a program without a language server, or `undefined` if it has one. */
export function probeMessage(program: string, result: ProbeResult): string | undefined {
  switch (result.kind) {
    case "ok":
      return undefined;
    case "too-old":
      return `${program} has no language server. Install a newer version of stackref, or set "stackref.path". ${THEN_RESTART}`;
    case "failed":
      return `Cannot run ${program}: ${result.reason}. Install stackref again, or set "stackref.path". ${THEN_RESTART}`;
  }
}
