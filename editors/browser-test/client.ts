// The client of the extension, connected by a WebSocket. Import it after the services of the page have started, because it uses classes
// of the API when it is loaded.

import { commands } from "vscode";
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  LanguageClient,
  type Location,
  type Message,
  type Position,
} from "vscode-languageclient/browser";
import { clientOptions, SHOW_REFERENCES } from "../vscode/src/protocol";
import { serverSettings } from "../vscode/src/settings";
import { showReferences } from "../vscode/src/show_references";

class SocketReader extends AbstractMessageReader {
  constructor(private readonly socket: WebSocket) {
    super();
  }

  listen(callback: DataCallback): Disposable {
    this.socket.addEventListener("message", ({ data }) => callback(JSON.parse(data as string) as Message));
    this.socket.addEventListener("close", () => this.fireClose());
    return { dispose: () => this.socket.close() };
  }
}

class SocketWriter extends AbstractMessageWriter {
  constructor(private readonly socket: WebSocket) {
    super();
  }

  async write(message: Message): Promise<void> {
    this.socket.send(JSON.stringify(message));
  }

  end(): void {}
}

/** Starts the client with the options of the extension. */
export async function startClient(address: string): Promise<void> {
  const socket = new WebSocket(address);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("the bridge to the server does not answer"));
  });
  const transports = async () => ({ reader: new SocketReader(socket), writer: new SocketWriter(socket) });
  const client = new LanguageClient("stackref", "stackref", transports, clientOptions(serverSettings()));
  commands.registerCommand(SHOW_REFERENCES, (uri: string, position: Position, locations: Location[]) => showReferences(client, uri, position, locations));
  await client.start();
}
