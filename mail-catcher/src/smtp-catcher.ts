import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Component, Logger } from '@warren/kernel';
import PostalMime, { type Address } from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { CaughtMail, Mailbox } from './mailbox.ts';

export interface SmtpCatcherOptions {
  mailbox: Pick<Mailbox, 'add'>;
  /** Port on 127.0.0.1; 0 picks a free one. */
  port: number;
  logger: Logger;
}

export interface SmtpCatcher extends Component {
  /** The port it listens on, once started. */
  readonly port: number;
}

/** The largest mail accepted, in bytes. */
const MAX_BYTES = 1_000_000;

/** A mail server that accepts every mail and delivers none. It is reachable only from this machine. */
export function createSmtpCatcher({ mailbox, port, logger }: SmtpCatcherOptions): SmtpCatcher {
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: MAX_BYTES,
    rejectOversized: true,
    onData(stream, session, done) {
      read(stream, session).then(
        (mail) => {
          // The server itself refuses mails that are too large.
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
      server.on('error', (err) => logger.warn({ err }, 'could not receive a mail'));
      logger.info({ port: address()?.port }, 'ready to receive mails');
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
