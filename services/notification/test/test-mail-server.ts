import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

/** A mail that the server has answered for, or was about to. */
export interface ReceivedMail {
  to: string;
  subject: string;
  messageId: string;
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
}

/** A mail server of a test's own on a port of its own, which keeps every mail it takes and can be stopped and started again. */
export async function createTestMailServer() {
  const mails: ReceivedMail[] = [];
  /** Addresses that were tried, also those refused. */
  const tried: string[] = [];
  let behaviour: MailServerBehaviour = {};
  let port = 0;
  let server: SMTPServer | undefined;

  async function start(): Promise<void> {
    const starting = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onRcptTo({ address }, _session, done) {
        tried.push(address);
        const refusal = behaviour.recipient?.(address);
        done(refusal && Object.assign(new Error(refusal.message), refusal));
      },
      onData(stream, session, done) {
        keep(stream, session.envelope.rcptTo[0]?.address ?? '').then(
          () => done(),
          (error) => done(error as Error),
        );
      },
    });
    // A client that goes away in the middle is nothing to the server.
    starting.on('error', () => undefined);
    await new Promise<void>((resolve) => starting.listen(port, '127.0.0.1', () => resolve()));
    port = (starting.server.address() as AddressInfo).port;
    server = starting;
  }

  async function keep(stream: NodeJS.ReadableStream, to: string): Promise<void> {
    const raw = (await buffer(stream)).toString('utf8');
    const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(raw)?.[1]?.trim() ?? '';
    const mail = { to, subject: header('Subject'), messageId: header('Message-ID'), raw };
    mails.push(mail);
    await behaviour.beforeAnswer?.(mail);
  }

  async function stop(): Promise<void> {
    const stopping = server;
    server = undefined;
    if (stopping) await new Promise<void>((resolve) => stopping.close(() => resolve()));
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
    stop,
  };
}

export type TestMailServer = Awaited<ReturnType<typeof createTestMailServer>>;
