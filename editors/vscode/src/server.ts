// Starts, stops and restarts the language server.

import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { commands, type LogOutputChannel, window, workspace } from "vscode";
import { type ExecutableOptions, LanguageClient, RevealOutputChannelOn, State } from "vscode-languageclient/node";
import { findProgram, type SearchResult, type Surroundings } from "./binary";
import { probeMessage, searchMessage } from "./messages";
import { probe } from "./probe";
import { clientOptions } from "./protocol";
import { selectedInterpreters, withinTimeLimit } from "./python_extension";
import { programSettings, serverSettings } from "./settings";

const OPEN_SETTINGS = "Open Settings";
const SHOW_LOG = "Show Log";
/** VS Code ends the extension host 5 s after it stops the extensions. */
const STOP_LIMIT_MS = 4_000;

/** A client that shows its own messages only after it has started. `Server` reports why a start has failed. */
class Client extends LanguageClient {
  #hasStarted = false;

  override async start(): Promise<void> {
    await super.start();
    this.#hasStarted = true;
  }

  override error(message: string, data?: unknown, showNotification?: boolean | "force"): void {
    super.error(message, data, this.#hasStarted ? showNotification : false);
  }
}

/** The language server of the window. Its starts and stops run one after the other. */
export class Server {
  readonly #log: LogOutputChannel;
  #client: LanguageClient | undefined;
  #program: string | undefined;
  /** The message that was shown last, which is not repeated. */
  #message: string | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(log: LogOutputChannel) {
    this.#log = log;
  }

  get client(): LanguageClient | undefined {
    return this.#client;
  }

  /** Searches the program again, and starts it. A server that runs is stopped. */
  restart(): Promise<void> {
    return this.#enqueue(async () => {
      this.#message = undefined;
      const found = await this.#find();
      await this.#stop();
      await this.#start(found);
    });
  }

  /** Restarts the server if the search finds another program. */
  restartIfMoved(): Promise<void> {
    return this.#enqueue(async () => {
      const found = await this.#find();
      if (found.kind === "found" && found.program === this.#program) {
        return;
      }
      await this.#stop();
      await this.#start(found);
    });
  }

  stop(): Promise<void> {
    return this.#enqueue(() => this.#stop());
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(task).catch((error: unknown) => {
      this.#log.error(error instanceof Error ? error : String(error));
    });
    return this.#queue;
  }

  async #find(): Promise<SearchResult> {
    const settings = programSettings();
    if (settings.path !== "" || !workspace.isTrusted) {
      // In a workspace that is not trusted, the Python extension may select an interpreter of the workspace.
      return findProgram(settings, surroundings());
    }
    const logFailure = (reason: string) => this.#log.warn(`Cannot read the interpreter of the Python extension: ${reason}`);
    const interpreters = await withinTimeLimit(selectedInterpreters(), [], logFailure);
    return findProgram({ ...settings, interpreters }, surroundings());
  }

  async #start(found: SearchResult): Promise<void> {
    if (found.kind !== "found") {
      this.#report(searchMessage(found));
      return;
    }
    const { program } = found;
    const environment = serverEnvironment();
    const message = probeMessage(program, await probe(program, environment));
    if (message !== undefined) {
      this.#report(message);
      return;
    }
    this.#log.info(`Starting ${program} lsp`);
    try {
      const client = newClient(program, environment, this.#log);
      this.#client = client;
      this.#program = program;
      await client.start();
    } catch (error) {
      this.#report(`Cannot start ${program}: ${error instanceof Error ? error.message : String(error)}. See the log for details.`);
    }
  }

  async #stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#program = undefined;
    try {
      if (client?.needsStop()) {
        await client.stop(STOP_LIMIT_MS);
      }
      await client?.dispose();
    } catch (error) {
      // The client has ended the process. A new server can start.
      this.#log.warn(`Cannot stop the server: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Shows a message, and does not wait for the answer of the user. */
  #report(message: string | undefined): void {
    if (message === undefined || message === this.#message) {
      return;
    }
    this.#message = message;
    this.#log.error(message);
    void window.showErrorMessage(message, OPEN_SETTINGS, SHOW_LOG).then((answer) => {
      if (answer === OPEN_SETTINGS) {
        void commands.executeCommand("workbench.action.openSettings", "stackref.path");
      } else if (answer === SHOW_LOG) {
        this.#log.show();
      }
    });
  }
}

function newClient(program: string, environment: NodeJS.ProcessEnv, log: LogOutputChannel): Client {
  const client = new Client(
    "stackref",
    "stackref",
    { command: program, args: ["lsp"], options: serverOptions(environment) },
    {
      ...clientOptions(serverSettings()),
      initializationFailedHandler: () => false,
      outputChannel: log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
    },
  );
  client.onDidChangeState(({ newState }) => {
    void commands.executeCommand("setContext", "stackref.isRunning", newState === State.Running);
  });
  return client;
}

/** Returns the options of the process. Windows may load libraries from its working folder. */
function serverOptions(environment: NodeJS.ProcessEnv): ExecutableOptions {
  return workspace.isTrusted ? { env: environment } : { cwd: homedir(), env: environment };
}

/** Returns the environment of the server. A workspace that is not trusted is not trusted by stackref either. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env };
  if (!workspace.isTrusted) {
    delete environment["STACKREF_TRUST"];
  }
  return environment;
}

function surroundings(): Surroundings {
  const folders = workspace.workspaceFolders?.filter((folder) => folder.uri.scheme === "file").map((folder) => folder.uri.fsPath);
  return {
    platform: process.platform,
    home: homedir(),
    variables: process.env,
    folders: folders ?? [],
    isTrusted: workspace.isTrusted,
    isProgram,
    realPath,
  };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
