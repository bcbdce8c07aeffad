// The page of the test: an editor with the services of VS Code, and the client of the extension. `run.mjs` opens it.

import "@codingame/monaco-vscode-extension-api/localExtensionHost";
import "@codingame/monaco-vscode-theme-defaults-default-extension";
import { ExtensionHostKind, registerExtension } from "@codingame/monaco-vscode-api/extensions";
import { initialize } from "@codingame/monaco-vscode-api/services";
import getBulkEditServiceOverride from "@codingame/monaco-vscode-bulk-edit-service-override";
import getConfigurationServiceOverride, { initUserConfiguration } from "@codingame/monaco-vscode-configuration-service-override";
import * as monaco from "@codingame/monaco-vscode-editor-api";
import { RegisteredFileSystemProvider, RegisteredMemoryFile, registerFileSystemOverlay } from "@codingame/monaco-vscode-files-service-override";
import getLanguagesServiceOverride from "@codingame/monaco-vscode-languages-service-override";
import getModelServiceOverride from "@codingame/monaco-vscode-model-service-override";
import getThemeServiceOverride from "@codingame/monaco-vscode-theme-service-override";
import manifest from "../vscode/package.json";

/** The project on the disk, which the server reads: its folder, and the text of each file by its path. */
interface Project {
  readonly folder: string;
  readonly files: Readonly<Record<string, string>>;
  readonly opened: string;
}

self.MonacoEnvironment = { getWorker: () => new Worker("/worker.js", { type: "module" }) };

async function main(): Promise<void> {
  const project = (await (await fetch("/project")).json()) as Project;
  const files = new RegisteredFileSystemProvider(false);
  for (const [name, text] of Object.entries(project.files)) {
    files.registerFile(new RegisteredMemoryFile(monaco.Uri.file(`${project.folder}/${name}`), text));
  }
  registerFileSystemOverlay(1, files);
  await initUserConfiguration(JSON.stringify({ "workbench.colorTheme": "Light Modern", "editor.fontFamily": "DejaVu Sans Mono", "editor.minimap.enabled": false, "editor.wordBasedSuggestions": "off" }));
  await initialize(
    {
      ...getBulkEditServiceOverride(),
      ...getModelServiceOverride(),
      ...getConfigurationServiceOverride(),
      ...getLanguagesServiceOverride(),
      ...getThemeServiceOverride(),
    },
    document.body,
    { workspaceProvider: { trusted: true, workspace: { folderUri: monaco.Uri.file(project.folder) }, open: async () => false } },
  );
  const languages = [
    { id: "yaml", extensions: [".yaml"] },
    { id: "toml", extensions: [".toml"] },
  ];
  const contributes = { ...manifest.contributes, languages };
  const extension = registerExtension(
    { name: manifest.name, publisher: manifest.publisher, version: manifest.version, engines: { vscode: "*" }, contributes },
    ExtensionHostKind.LocalProcess,
  );
  await extension.setAsDefaultApi();
  // As in VS Code's extension for YAML, the editor inserts closing quotes and braces.
  const pairs = ["{}", "[]", "()", '""', "''"].map(([open, close]) => ({ open: open!, close: close! }));
  monaco.languages.setLanguageConfiguration("yaml", { autoClosingPairs: pairs, brackets: [["{", "}"], ["[", "]"], ["(", ")"]] });
  const model = await monaco.editor.createModelReference(monaco.Uri.file(`${project.folder}/${project.opened}`));
  const editor = monaco.editor.create(document.getElementById("editor")!, { automaticLayout: true, model: model.object.textEditorModel });
  editor.focus();
  const { startClient } = await import("./client");
  await startClient(new URL("/server", location.href.replace("http", "ws")).href);
  Object.assign(window, { editor, monaco, ready: true });
}

main().catch((error: unknown) => {
  Object.assign(window, { failure: error instanceof Error ? error.stack : String(error) });
});
