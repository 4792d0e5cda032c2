import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Component, Logger } from '@warren/kernel';
import PostalMime, { type Address } from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { CaughtMail, Mailbox } from './mailbox.ts';

export interface SmtpCatcherOptions {
  mailbox: Pick<Mailbox, 'add'>;
  /** On 127.0.0.1; 0 takes a free one. */
  port: number;
  logger: Logger;
}

export interface SmtpCatcher extends Component {
  /** The port it listens on, once started. */
  readonly port: number;
}

/** The largest mail that is taken, in bytes. */
const MAX_BYTES = 1_000_000;

/** A mail server that takes every mail and delivers none. Only this machine reaches it. */
export function createSmtpCatcher({ mailbox, port, logger }: SmtpCatcherOptions): SmtpCatcher {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: MAX_BYTES,
    rejectOversized: true,
    onData(stream, session, done) {
      read(stream, session).then(
        (mail) => {
          // What is too large is refused by the server itself.
          if (!stream.sizeExceeded) mailbox.add(mail);
          done();
        },
        (error) => done(error as Error),
      );
    },
  });
  const address = () => server.server.address() as AddressInfo | null;
  return {
    name: 'smtp',
    get port() {
      return address()?.port ?? port;
    },
    async start() {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (err) => logger.warn({ err }, 'a mail could not be taken'));
      logger.info({ port: address()?.port }, 'taking mails');
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
    health: () => ({ up: server.server.listening, details: { port: address()?.port } }),
  };
}

async function read(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<Omit<CaughtMail, 'id'>> {
  const mail = await PostalMime.parse(await buffer(stream));
  const { mailFrom, rcptTo } = session.envelope;
  return {
    receivedAt: new Date().toISOString(),
    envelope: { from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address) },
    messageId: mail.messageId,
    from: mail.from === undefined ? '' : shown(mail.from),
    to: (mail.to ?? []).map(shown).join(', '),
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    html: mail.html,
  };
}

function shown({ name, address = '' }: Address): string {
  return name === '' ? address : `${name} <${address}>`;
}
