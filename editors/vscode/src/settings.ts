// Reads the settings.

import { type ConfigurationChangeEvent, workspace } from "vscode";
import type { ProgramSettings } from "./binary";
import { SECTION, type ServerSettings } from "./protocol";

const PROGRAM = "stackref.path";
const DEFAULT_INTERPRETER = "python.defaultInterpreterPath";

export function serverSettings(): ServerSettings {
  const settings = workspace.getConfiguration(SECTION);
  return { diagnosticMode: settings.get("diagnosticMode", "workspace"), inventoryTtl: settings.get("inventoryTtl", 300) };
}

/** Returns the settings that name a program, without the interpreters of the Python extension. */
export function programSettings(): ProgramSettings {
  return { path: programSetting(PROGRAM), interpreters: [], defaultInterpreter: programSetting(DEFAULT_INTERPRETER) };
}

/**
 * Returns a setting that names a program. VS Code hides the values of a workspace that is not trusted only if the extension that
 * declares the setting is installed, so that they are excluded here.
 */
function programSetting(name: string): string {
  const settings = workspace.getConfiguration(undefined, workspace.workspaceFolders?.[0]?.uri);
  const value = workspace.isTrusted ? settings.get<unknown>(name) : settings.inspect<unknown>(name)?.globalValue;
  return typeof value === "string" ? value : "";
}

/** Returns whether a change of the settings selects another program. */
export function changesProgram(event: ConfigurationChangeEvent): boolean {
  return event.affectsConfiguration(PROGRAM);
}

/** Returns whether a change of the settings may select another program. */
export function changesInterpreter(event: ConfigurationChangeEvent): boolean {
  return event.affectsConfiguration(DEFAULT_INTERPRETER);
}
