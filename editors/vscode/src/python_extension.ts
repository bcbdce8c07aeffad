// Asks the Python extension for the selected interpreters. The extension is optional.

import { type Disposable, type Event, extensions, type Uri, workspace } from "vscode";

/** The part of the Python extension's API that is used here. */
interface PythonApi {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: Uri): { readonly path?: string } | Promise<{ readonly path?: string }>;
    resolveEnvironment(environment: { readonly path?: string }): Promise<{ readonly executable?: { readonly uri?: Uri } } | undefined>;
    readonly onDidChangeActiveEnvironmentPath?: Event<unknown>;
  };
}

const TIME_LIMIT_MS = 10_000;

/** Returns the selected interpreter of each workspace folder, or of the window if there is no folder. */
export async function selectedInterpreters(): Promise<string[]> {
  const environments = (await pythonApi())?.environments;
  if (environments === undefined) {
    return [];
  }
  const resources = workspace.workspaceFolders?.map((folder) => folder.uri) ?? [undefined];
  const interpreters: string[] = [];
  for (const resource of resources) {
    const selected = await environments.getActiveEnvironmentPath(resource);
    const resolved = await environments.resolveEnvironment(selected);
    const interpreter = resolved?.executable?.uri?.fsPath ?? selected.path;
    if (interpreter !== undefined) {
      interpreters.push(interpreter);
    }
  }
  return interpreters;
}

/** Calls a function when the user selects another interpreter. */
export async function onInterpreterChange(listener: () => void): Promise<Disposable | undefined> {
  return (await pythonApi())?.environments?.onDidChangeActiveEnvironmentPath?.(listener);
}

async function pythonApi(): Promise<PythonApi | undefined> {
  const extension = extensions.getExtension<PythonApi>("ms-python.python");
  return extension === undefined ? undefined : extension.isActive ? extension.exports : await extension.activate();
}

/** Returns the answer of the Python extension, or a fallback if it fails or takes too long. */
export async function withinTimeLimit<T>(answer: Promise<T>, fallback: T, onFailure: (reason: string) => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIME_LIMIT_MS / 1000} s`)), TIME_LIMIT_MS);
  });
  try {
    return await Promise.race([answer, expired]);
  } catch (error) {
    onFailure(error instanceof Error ? error.message : String(error));
    return fallback;
  } finally {
    clearTimeout(timer);
  }
}
