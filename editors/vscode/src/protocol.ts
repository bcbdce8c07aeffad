// What the extension and the server agree on, besides LSP.

import type { DocumentSelector, LanguageClientOptions } from "vscode-languageclient";

/** A command that the server calls in code lenses, with the arguments of LSP: a URI, a position and locations. */
export const SHOW_REFERENCES = "stackref.showReferences";

/** The section of the settings. The server asks for it when it changes. */
export const SECTION = "stackref";

/** The options that the server reads when it starts. Later, it asks for the settings of the same names. */
export interface ServerSettings {
  readonly diagnosticMode: string;
  readonly inventoryTtl: number;
}

const LANGUAGES = [
  "yaml",
  "toml",
  "json",
  "jsonc",
  "shellscript",
  "makefile",
  "just",
  "dockerfile",
  "github-actions-workflow",
  "gitlab-ci",
  "markdown",
  "mdx",
  "restructuredtext",
  "python",
  "terraform",
];

/** The files of these languages, for editors that know the language under another name, or not at all. */
const PATTERNS = [
  "**/*.{yaml,yml,toml,json,YAML,YML,TOML,JSON}",
  "**/*.{sh,bash,zsh,mk,just}",
  "**/{Makefile,GNUmakefile,makefile,justfile,Justfile,.justfile}",
  "**/{Dockerfile,Containerfile,dockerfile,containerfile}*",
  "**/*.{md,mdx,rst}",
  "**/*.py",
  "**/*.tf",
];

/** The files that stackref reads: stacks, scripts, pages, Python, Terraform, its config and its inventories. */
export const DOCUMENT_SELECTOR: DocumentSelector = [
  ...LANGUAGES.flatMap((language) => [
    { scheme: "file", language },
    { scheme: "untitled", language },
  ]),
  ...PATTERNS.map((pattern) => ({ scheme: "file", pattern })),
];

/** Returns the options of a client, in any host of the API of VS Code. */
export function clientOptions(settings: ServerSettings): LanguageClientOptions {
  return {
    documentSelector: DOCUMENT_SELECTOR,
    // When the client requests the diagnostics of a document.
    diagnosticPullOptions: { onChange: true, onFocus: true, onSave: true },
    // Without `clientCommands`, code lenses are only titles.
    initializationOptions: { ...settings, clientCommands: [SHOW_REFERENCES] },
    synchronize: { configurationSection: SECTION },
  };
}
