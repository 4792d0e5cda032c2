import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  status: number;
  body: string;
}

/** Below the 65 s after which the service closes a connection that nobody uses. */
const IDLE_MS = 30_000;
/** An answer that has not come by then is counted as an error. */
const ANSWER_MS = 60_000;

/**
 * One kept HTTP connection that posts one request after the other, opened again when it was closed or idle for long. It knows just what it
 * needs of HTTP (answers with a Content-Length), so that the load takes as little as possible from the machine that it shares with what it measures.
 */
export class HttpLine {
  readonly #url: URL;
  #socket: Socket;
  #received = '';
  #usedAt = performance.now();
  #waiting: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;

  private constructor(url: URL, socket: Socket) {
    this.#url = url;
    this.#socket = this.#adopt(socket);
  }

  static async open(url: string): Promise<HttpLine> {
    const address = new URL(url);
    return new HttpLine(address, await connected(address));
  }

  /** Sends a whole request (see {@link postRequest}) once the one before has its answer. @throws when the connection is lost before the answer */
  async send(request: Buffer): Promise<HttpAnswer> {
    if (this.#waiting) throw new Error('one request at a time');
    if (this.#socket.destroyed || performance.now() - this.#usedAt > IDLE_MS) await this.#reopen();
    const answer = await new Promise<HttpAnswer>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
    this.#usedAt = performance.now();
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #reopen(): Promise<void> {
    this.#socket.destroy();
    this.#received = '';
    this.#socket = this.#adopt(await connected(this.#url));
  }

  #adopt(socket: Socket): Socket {
    const lost = (error: Error) => {
      // What the socket before tells at last is not about this one.
      if (socket === this.#socket) this.#fail(error);
    };
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.setTimeout(ANSWER_MS, () => lost(new Error(`no answer in ${ANSWER_MS} ms`)));
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', lost);
    socket.on('close', () => lost(new Error('the service has closed the connection')));
    return socket;
  }

  #take(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (length === undefined) {
      this.#fail(new Error(`an answer without Content-Length: ${head}`));
      return;
    }
    const end = headEnd + 4 + Number(length);
    if (this.#received.length < end) return;
    const body = this.#received.slice(headEnd + 4, end);
    this.#received = this.#received.slice(end);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
    this.#socket.destroy();
  }
}

async function connected({ hostname, port }: URL): Promise<Socket> {
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

/** A POST of JSON as it goes over the line. */
export function postRequest(url: string, path: string, json: string): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(json)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${json}`);
}
