import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const TIMEOUT_MS = 2000;
const HEADER = Buffer.from('AMQP\0\0\u0009\u0001', 'latin1');
const FRAME_HEADER_BYTES = 7;

/** Methods of AMQP's class `connection` (10). */
const START = 10;
const START_OK = 11;
const TUNE = 30;
const TUNE_OK = 31;
const OPEN = 40;
const OPEN_OK = 41;
const CLOSE = 50;

/**
 * Opens a connection up to the point where the broker refuses the virtual host, to learn the reason, which amqplib does not expose: for
 * instance that it does not exist or has reached its connection limit.
 * @returns the broker's reason; undefined when it does not refuse, or does not answer within 2 s
 */
export function askWhyRefused(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { protocol, hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const target = { host, port: Number(port) || (protocol === 'amqps:' ? 5671 : 5672) };
    const socket = protocol === 'amqps:' ? connectTls({ ...target, servername: host }) : connectPlain(target);
    const end = (reason?: string) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(TIMEOUT_MS, end);
    socket.on('error', () => end());
    socket.on('close', () => end());
    readMethods(socket, (method, values) => answer(socket, new URL(url), method, values, end));
    socket.write(HEADER);
  });
}

function answer(
  socket: Socket,
  { username, password, pathname }: URL,
  method: number,
  values: Buffer,
  end: (reason?: string) => void,
): void {
  if (method === START) {
    const login = `\0${decodeURIComponent(username) || 'guest'}\0${decodeURIComponent(password) || 'guest'}`;
    const noProperties = Buffer.alloc(4);
    send(socket, START_OK, [noProperties, shortText('PLAIN'), longText(login), shortText('en_US')]);
  } else if (method === TUNE) {
    send(socket, TUNE_OK, [values]);
    send(socket, OPEN, [shortText(decodeURIComponent(pathname.slice(1)) || '/'), Buffer.alloc(2)]);
  } else if (method === CLOSE) {
    const length = values.readUInt8(2);
    end(values.subarray(3, 3 + length).toString());
  } else if (method === OPEN_OK) end();
}

function readMethods(socket: Socket, onMethod: (method: number, values: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= FRAME_HEADER_BYTES) {
      const bytes = FRAME_HEADER_BYTES + rest.readUInt32BE(3) + 1;
      if (rest.length < bytes) return;
      // Class and method precede the arguments; the end marker follows them.
      onMethod(rest.readUInt16BE(FRAME_HEADER_BYTES + 2), rest.subarray(FRAME_HEADER_BYTES + 4, bytes - 1));
      rest = rest.subarray(bytes);
    }
  });
}

function send(socket: Socket, method: number, values: readonly Buffer[]): void {
  const payload = Buffer.concat([Buffer.from([0, 10, 0, method]), ...values]);
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(payload.length, 3);
  socket.write(Buffer.concat([header, payload, Buffer.from([0xce])]));
}

function shortText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function longText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
