// The client command of code lenses.

import { commands } from "vscode";
import type { BaseLanguageClient, Location, Position } from "vscode-languageclient";

/** Shows locations as the editor shows references. The arguments are those of LSP, so they are converted. */
export function showReferences(client: BaseLanguageClient, uri: string, position: Position, locations: Location[]): Thenable<unknown> {
  const converter = client.protocol2CodeConverter;
  return commands.executeCommand(
    "editor.action.showReferences",
    converter.asUri(uri),
    converter.asPosition(position),
    locations.map((location) => converter.asLocation(location)),
  );
}
