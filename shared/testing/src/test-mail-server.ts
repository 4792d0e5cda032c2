import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { SMTPServer, SMTPServerSession } from 'smtp-server';

/** A mail that the server has answered for, or was about to. */
export interface ReceivedMail {
  to: string;
  subject: string;
  messageId: string;
  /** When it was kept, in milliseconds since 1970. */
  keptAt: number;
  /** When it was answered for; absent when that was left out, or the client had gone away. */
  answeredAt?: number;
  /** As it came. */
  raw: string;
}

type Refusal = { responseCode: number; message: string };

/** What the server does with a mail, besides taking it. */
export interface MailServerBehaviour {
  /** Refuses a recipient. */
  recipient?(address: string): Refusal | undefined;
  /** Runs when a mail has been kept, before it is answered for. */
  beforeAnswer?(mail: ReceivedMail): Promise<void> | void;
  /** Whether the connection is closed where the answer ought to come. */
  hangsUp?(mail: ReceivedMail): boolean;
}

/** A mail server of a test's own on a port of its own, which keeps every mail it takes and can be stopped and started again. */
export async function createTestMailServer() {
  // Here and not above: most suites that import this package need no mail server.
  const smtp = await import('smtp-server');
  const mails: ReceivedMail[] = [];
  /** Addresses that were tried, also those refused. */
  const tried: string[] = [];
  let behaviour: MailServerBehaviour = {};
  let port = 0;
  let server: SMTPServer | undefined;
  /** By the client's port. */
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
    // A client that goes away in the middle is nothing to the server.
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
    /** Connections are closed at once, whatever is under way on them. */
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
