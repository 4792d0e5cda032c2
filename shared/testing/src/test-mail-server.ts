import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { SMTPServer, SMTPServerSession } from 'smtp-server';

/** A mail that the server has accepted, or was about to accept. */
export interface ReceivedMail {
  to: string;
  subject: string;
  messageId: string;
  /** When the mail was stored, in milliseconds since 1970. */
  keptAt: number;
  /** When the server accepted the mail, in milliseconds since 1970; absent if it did not answer or the client had disconnected. */
  answeredAt?: number;
  /** As it came. */
  raw: string;
}

type Refusal = { responseCode: number; message: string };

/** How the server treats a mail, besides accepting it. */
export interface MailServerBehaviour {
  /** Rejects a recipient. */
  recipient?(address: string): Refusal | undefined;
  /** Runs when a mail has been stored, before the server answers. */
  beforeAnswer?(mail: ReceivedMail): Promise<void> | void;
  /** Whether to close the connection instead of answering. */
  hangsUp?(mail: ReceivedMail): boolean;
}

/** Creates a mail server for one test, on its own port. It stores every accepted mail, and can be stopped and restarted. */
export async function createTestMailServer() {
  // Imported here, because most suites that import this package need no mail server.
  const smtp = await import('smtp-server');
  const mails: ReceivedMail[] = [];
  /** Addresses that were tried, including rejected ones. */
  const tried: string[] = [];
  let behaviour: MailServerBehaviour = {};
  let port = 0;
  let server: SMTPServer | undefined;
  /** Keyed by the client's port. */
  const sockets = new Map<number, Socket>();

  async function start(): Promise<void> {
    const starting = new smtp.SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onRcptTo({ address }, _session, done) {
        tried.push(address);
        const refusal = behaviour.recipient?.(address);
        done(refusal && Object.assign(new Error(refusal.message), refusal));
      },
      onData(stream, session, done) {
        take(stream, session).then(
          () => done(),
          (error) => done(error as Error),
        );
      },
    });
    // A client that disconnects in the middle is not an error of the server.
    starting.on('error', () => undefined);
    starting.server.on('connection', (socket: Socket) => {
      const { remotePort = 0 } = socket;
      sockets.set(remotePort, socket);
      socket.once('close', () => sockets.delete(remotePort));
    });
    await new Promise<void>((resolve) => starting.listen(port, '127.0.0.1', () => resolve()));
    port = (starting.server.address() as AddressInfo).port;
    server = starting;
  }

  async function take(stream: NodeJS.ReadableStream, { envelope, remotePort }: SMTPServerSession): Promise<void> {
    const mail = await read(stream, envelope.rcptTo[0]?.address ?? '');
    mails.push(mail);
    await behaviour.beforeAnswer?.(mail);
    const socket = sockets.get(remotePort);
    if (behaviour.hangsUp?.(mail)) socket?.destroy();
    if (socket && !socket.destroyed) mail.answeredAt = Date.now();
  }

  async function stop(): Promise<void> {
    const stopping = server;
    server = undefined;
    if (!stopping) return;
    const closed = new Promise<void>((resolve) => stopping.close(() => resolve()));
    for (const socket of sockets.values()) socket.destroy();
    await closed;
  }

  await start();
  return {
    get url() {
      return `smtp://127.0.0.1:${port}`;
    },
    mails,
    tried,
    to: (address: string) => mails.filter((mail) => mail.to === address),
    behave(next: MailServerBehaviour) {
      behaviour = next;
    },
    start,
    /** Closes connections at once, even in the middle of a mail. */
    stop,
  };
}

async function read(stream: NodeJS.ReadableStream, to: string): Promise<ReceivedMail> {
  const raw = (await buffer(stream)).toString('utf8');
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(raw)?.[1]?.trim() ?? '';
  return { to, subject: header('Subject'), messageId: header('Message-ID'), keptAt: Date.now(), raw };
}

/** See {@link createTestMailServer}. */
export type TestMailServer = Awaited<ReturnType<typeof createTestMailServer>>;
