// Finds the program `stackref`. Nothing here runs a program or uses the API of VS Code.

import * as path from "node:path";

/** The machine and the workspace in which the program is searched. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** The paths of the workspace folders. */
  readonly folders: readonly string[];
  /** Whether the user trusts the workspace. If not, no program in it is run. */
  readonly isTrusted: boolean;
  /** Returns whether a path is a file that can be run. */
  isProgram(file: string): boolean;
  /** Returns a path without symbolic links, or the path itself if it does not exist. */
  realPath(file: string): string;
}

/** The settings that name a program. In a workspace that is not trusted, they are those of the user. */
export interface ProgramSettings {
  /** `stackref.path`; empty if it is not set. */
  readonly path: string;
  /** The interpreters that are selected in the Python extension. */
  readonly interpreters: readonly string[];
  /** `python.defaultInterpreterPath`; empty if it is not set. */
  readonly defaultInterpreter: string;
}

/** The result of a search. */
export type SearchResult =
  | { readonly kind: "found"; readonly program: string }
  /** No program exists at `stackref.path`. */
  | { readonly kind: "wrong-setting"; readonly program: string }
  /** The program is in the workspace, and the user does not trust the workspace. */
  | { readonly kind: "untrusted"; readonly program: string }
  | { readonly kind: "missing" };

/**
 * Returns the first program of these: `stackref.path`, the selected interpreters, `python.defaultInterpreterPath`, `$VIRTUAL_ENV`,
 * `.venv` and `venv` in the workspace, `PATH`. If `stackref.path` is set, the others are not searched.
 */
export function findProgram(settings: ProgramSettings, surroundings: Surroundings): SearchResult {
  if (settings.path !== "") {
    return programOfSetting(settings.path, surroundings);
  }
  let untrusted: string | undefined;
  for (const candidate of [...environmentCandidates(settings, surroundings), ...searchPath(surroundings)]) {
    if (!surroundings.isProgram(candidate)) {
      continue;
    }
    if (isAllowed(candidate, surroundings)) {
      return { kind: "found", program: candidate };
    }
    untrusted ??= candidate;
  }
  return untrusted === undefined ? { kind: "missing" } : { kind: "untrusted", program: untrusted };
}

function programOfSetting(setting: string, surroundings: Surroundings): SearchResult {
  const expanded = expand(setting, surroundings);
  const isName = !/[/\\]/.test(expanded);
  const candidates = isName ? searchPath(surroundings, expanded) : withExtension(absolute(expanded, surroundings), surroundings);
  const programs = candidates.filter(surroundings.isProgram);
  const [first] = programs;
  if (first === undefined) {
    return { kind: "wrong-setting", program: expanded };
  }
  const program = programs.find((candidate) => isAllowed(candidate, surroundings));
  return program === undefined ? { kind: "untrusted", program: first } : { kind: "found", program };
}

function environmentCandidates(settings: ProgramSettings, surroundings: Surroundings): string[] {
  const { folders, variables } = surroundings;
  const paths = pathsOf(surroundings);
  const interpreters = [...settings.interpreters, settings.defaultInterpreter]
    .map((interpreter) => expand(interpreter, surroundings))
    // A name without a folder, such as `python`, is an interpreter on PATH.
    .filter((interpreter) => /[/\\]/.test(interpreter))
    .map((interpreter) => absolute(interpreter, surroundings));
  const environments = [variables["VIRTUAL_ENV"] ?? "", ...folders.flatMap((folder) => [paths.join(folder, ".venv"), paths.join(folder, "venv")])];
  return [
    ...interpreters.flatMap((interpreter) => programsOfInterpreter(interpreter, surroundings)),
    ...environments.filter((environment) => paths.isAbsolute(environment)).flatMap((environment) => programsOfEnvironment(environment, surroundings)),
  ];
}

/** Returns where pip installs programs for an interpreter. The Python extension may also return the folder of an environment. */
function programsOfInterpreter(interpreter: string, surroundings: Surroundings): string[] {
  const paths = pathsOf(surroundings);
  const folder = paths.dirname(interpreter);
  const sibling = withExtension(paths.join(folder, "stackref"), surroundings);
  // Outside a virtual environment, Windows has `python.exe` next to the folder `Scripts`.
  const scripts = surroundings.platform === "win32" ? [paths.join(folder, "Scripts", "stackref.exe")] : [];
  return [...sibling, ...scripts, ...programsOfEnvironment(interpreter, surroundings)];
}

function programsOfEnvironment(environment: string, surroundings: Surroundings): string[] {
  const paths = pathsOf(surroundings);
  return surroundings.platform === "win32" ? [paths.join(environment, "Scripts", "stackref.exe")] : [paths.join(environment, "bin", "stackref")];
}

/** Returns a program's paths in the folders of `PATH`. Relative folders depend on the working folder, and are skipped. */
function searchPath(surroundings: Surroundings, name = "stackref"): string[] {
  const paths = pathsOf(surroundings);
  const { platform, variables } = surroundings;
  // Names of variables have no case on Windows, but a copy of the environment has.
  const variable = platform === "win32" ? Object.keys(variables).find((key) => key.toUpperCase() === "PATH") : "PATH";
  const folders = (variables[variable ?? "PATH"] ?? "").split(paths.delimiter);
  return folders.filter((folder) => paths.isAbsolute(folder)).flatMap((folder) => withExtension(paths.join(folder, name), surroundings));
}

function withExtension(file: string, surroundings: Surroundings): string[] {
  return surroundings.platform === "win32" && !file.toLowerCase().endsWith(".exe") ? [`${file}.exe`] : [file];
}

/** Replaces `~`, `${workspaceFolder}`, `${userHome}` and `${env:NAME}`. A variable that is not set is empty, as in VS Code. */
function expand(text: string, surroundings: Surroundings): string {
  return text
    .trim()
    .replace(/^~(?=$|[/\\])/, () => surroundings.home)
    .replace(/\$\{(workspaceFolder|userHome|env:([^}]*))\}/g, (_, name: string, variable: string | undefined) => {
      if (variable !== undefined) {
        return surroundings.variables[variable] ?? "";
      }
      return name === "userHome" ? surroundings.home : (surroundings.folders[0] ?? "");
    });
}

/** Returns a path relative to the first workspace folder as an absolute path. */
function absolute(file: string, surroundings: Surroundings): string {
  return pathsOf(surroundings).resolve(surroundings.folders[0] ?? surroundings.home, file);
}

/** Returns whether a program may run: in a workspace that is not trusted, only one outside it, also without symbolic links. */
function isAllowed(program: string, surroundings: Surroundings): boolean {
  if (surroundings.isTrusted) {
    return true;
  }
  const programs = [program, surroundings.realPath(program)];
  const folders = surroundings.folders.flatMap((folder) => [folder, surroundings.realPath(folder)]);
  return !folders.some((folder) => programs.some((file) => isBelow(file, folder, surroundings)));
}

function isBelow(file: string, folder: string, surroundings: Surroundings): boolean {
  const paths = pathsOf(surroundings);
  // The disks of macOS and Windows usually have no case.
  const fold = (text: string) => (surroundings.platform === "linux" ? text : text.toLowerCase());
  const relative = paths.relative(fold(folder), fold(file));
  return relative !== ".." && !relative.startsWith(`..${paths.sep}`) && !paths.isAbsolute(relative);
}

function pathsOf(surroundings: Surroundings): path.PlatformPath {
  return surroundings.platform === "win32" ? path.win32 : path.posix;
}
