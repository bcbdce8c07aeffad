// The entry of the extension.

import { commands, type ExtensionContext, window, workspace } from "vscode";
import type { Location, Position } from "vscode-languageclient/node";
import { SHOW_REFERENCES } from "./protocol";
import { onInterpreterChange, withinTimeLimit } from "./python_extension";
import { Server } from "./server";
import { changesInterpreter, changesProgram } from "./settings";
import { showReferences } from "./show_references";

let server: Server | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel("stackref", { log: true });
  const current = new Server(log);
  server = current;
  context.subscriptions.push(
    log,
    commands.registerCommand("stackref.restart", () => current.restart()),
    commands.registerCommand("stackref.showLog", () => log.show()),
    // The client registers `stackref.refreshInventories`, a command of the server, while the server runs.
    commands.registerCommand(SHOW_REFERENCES, (uri: string, position: Position, locations: Location[]) =>
      current.client === undefined ? undefined : showReferences(current.client, uri, position, locations),
    ),
    workspace.onDidChangeConfiguration((event) => {
      return changesProgram(event) ? current.restart() : changesInterpreter(event) ? current.restartIfMoved() : undefined;
    }),
    workspace.onDidChangeWorkspaceFolders(() => current.restartIfMoved()),
    workspace.onDidGrantWorkspaceTrust(() => current.restart()),
  );
  await current.restart();
  const logFailure = (reason: string) => log.warn(`Cannot watch the interpreter of the Python extension: ${reason}`);
  const listener = await withinTimeLimit(onInterpreterChange(() => void current.restartIfMoved()), undefined, logFailure);
  if (listener !== undefined) {
    context.subscriptions.push(listener);
  }
}

export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}
