// The part of VS Code's API that the extension and its client use, for tests of the bundle in node. A name that is missing here is a
// class, a function and an object at once, which does nothing.

import Module from "node:module";

type Listener = (argument: unknown) => unknown;

/** A value that can be called, constructed and read. */
function nothing(): unknown {
  const target = class {
    dispose(): void {}
  };
  return new Proxy(target, {
    apply: () => new Proxy({ dispose: () => undefined }, { get: (object, name) => Reflect.get(object, name) ?? (name === "then" ? undefined : () => []) }),
    get: (object, name) => (name in object ? Reflect.get(object, name) : name === "then" ? undefined : nothing()),
  });
}

/** An object with these members. All others are `nothing`. */
function partly(members: object): unknown {
  return new Proxy(members, { get: (object, name) => (name in object ? Reflect.get(object, name) : name === "then" ? undefined : nothing()) });
}

/** An event that the test can fire. */
class FakeEvent {
  readonly #listeners = new Set<Listener>();
  readonly event = (listener: Listener, self?: unknown) => {
    const bound = listener.bind(self);
    this.#listeners.add(bound);
    return { dispose: () => this.#listeners.delete(bound) };
  };
  dispose(): void {
    this.#listeners.clear();
  }
  readonly fire = (argument: unknown = undefined) => Promise.all([...this.#listeners].map((listener) => listener(argument)));
}

/** An editor without documents, and what the extension did with it. */
export class FakeEditor {
  isTrusted = true;
  folders: string[] = [];
  /** Settings by their full name, of the user and of the workspace. */
  userSettings: Record<string, unknown> = {};
  workspaceSettings: Record<string, unknown> = {};
  readonly errors: string[] = [];
  readonly commands = new Map<string, Listener>();
  readonly executed: unknown[][] = [];
  /** The interpreter that is selected in the Python extension, if that is installed. */
  interpreter: string | undefined;
  readonly onDidChangeInterpreter = new FakeEvent();
  readonly onDidChangeConfiguration = new FakeEvent();
  readonly onDidGrantWorkspaceTrust = new FakeEvent();

  /** Makes `require("vscode")` return this editor. */
  install(): void {
    const api = this.#api();
    const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
    const load = loader._load;
    loader._load = (request, ...rest) => (request === "vscode" ? api : load.call(loader, request, ...rest));
  }

  /** Changes a setting of the user, and waits for the extension. */
  async change(name: string, value: unknown): Promise<void> {
    this.userSettings[name] = value;
    await this.onDidChangeConfiguration.fire({ affectsConfiguration: (section: string) => name === section || name.startsWith(`${section}.`) });
  }

  #pythonExtension(): unknown {
    const environments = {
      getActiveEnvironmentPath: () => ({ path: this.interpreter }),
      resolveEnvironment: async () => ({ executable: { uri: { fsPath: this.interpreter } } }),
      onDidChangeActiveEnvironmentPath: this.onDidChangeInterpreter.event,
    };
    return this.interpreter === undefined ? undefined : { isActive: false, activate: async () => ({ environments }) };
  }

  #api(): unknown {
    const editor = this;
    const uri = (path: string) => ({ scheme: "file", path, fsPath: path, toString: () => `file://${path}` });
    const log = partly({ info: () => undefined, warn: () => undefined, error: () => undefined, show: () => this.executed.push(["show log"]), logLevel: 3 });
    return partly({
      version: "1.91.0",
      env: partly({ language: "en", appName: "test" }),
      Uri: partly({ parse: (text: string) => uri(text.replace("file://", "")), file: uri }),
      Disposable: class {
        constructor(readonly dispose: () => void) {}
        static from(...all: { dispose(): void }[]) {
          return { dispose: () => all.forEach((each) => each.dispose()) };
        }
      },
      EventEmitter: FakeEvent,
      CancellationTokenSource: class {
        readonly token = { isCancellationRequested: false, onCancellationRequested: new FakeEvent().event };
        cancel(): void {}
        dispose(): void {}
      },
      Position: class {
        constructor(readonly line: number, readonly character: number) {}
      },
      Range: class {
        constructor(...numbers: number[]) {
          Object.assign(this, { numbers });
        }
      },
      Location: class {
        constructor(readonly uri: unknown, readonly range: unknown) {}
      },
      extensions: { getExtension: () => this.#pythonExtension(), onDidChange: () => ({ dispose: () => undefined }), all: [] },
      commands: {
        registerCommand: (name: string, run: Listener) => {
          if (editor.commands.has(name)) {
            throw new Error(`command '${name}' already exists`);
          }
          editor.commands.set(name, run);
          return { dispose: () => editor.commands.delete(name) };
        },
        executeCommand: async (...call: unknown[]) => void editor.executed.push(call),
      },
      window: partly({
        createOutputChannel: () => log,
        showErrorMessage: async (message: string) => void editor.errors.push(message),
        visibleTextEditors: [],
        activeTextEditor: undefined,
        tabGroups: partly({ all: [] }),
      }),
      workspace: partly({
        get isTrusted() {
          return editor.isTrusted;
        },
        get workspaceFolders() {
          return editor.folders.map((path, index) => ({ uri: uri(path), name: path, index }));
        },
        textDocuments: [],
        notebookDocuments: [],
        onDidChangeConfiguration: this.onDidChangeConfiguration.event,
        onDidGrantWorkspaceTrust: this.onDidGrantWorkspaceTrust.event,
        getConfiguration: (section?: string) => {
          const full = (name: string) => (section === undefined ? name : `${section}.${name}`);
          const value = (name: string) => editor.workspaceSettings[name] ?? editor.userSettings[name];
          const branch = (name: string) => {
            const all = { ...editor.userSettings, ...editor.workspaceSettings };
            const below = Object.entries(all).filter(([key]) => key.startsWith(`${name}.`));
            return below.length === 0 ? undefined : Object.fromEntries(below.map(([key, each]) => [key.slice(name.length + 1), each]));
          };
          return {
            get: (name: string, fallback?: unknown) => value(full(name)) ?? branch(full(name)) ?? fallback,
            inspect: (name: string) => ({ globalValue: editor.userSettings[full(name)], workspaceValue: editor.workspaceSettings[full(name)] }),
          };
        },
      }),
    });
  }
}
