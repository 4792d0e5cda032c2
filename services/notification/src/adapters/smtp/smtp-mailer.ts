import { createTransport } from 'nodemailer';
import { type Mailer, SEND_LIMIT_MS } from '../../application/mailer.ts';
import type { SenderAddress } from '../../domain/sender-address.ts';
import { outcomeOf } from './smtp-outcome.ts';

export interface SmtpMailerOptions {
  /** `smtp://` or `smtps://`, with the login if there is one. */
  url: string;
  from: SenderAddress;
  /** How many connections to the mail server are kept. */
  connections: number;
  /** The timeout for sending one mail, in milliseconds. @default SEND_LIMIT_MS */
  sendLimitMs?: number;
}

export interface SmtpMailer extends Mailer {
  /** Closes the connections; a mail in progress is finished. */
  stop(): void;
}

/** A mail server, by nodemailer. */
export function createSmtpMailer(options: SmtpMailerOptions): SmtpMailer {
  const { url, from, connections, sendLimitMs = SEND_LIMIT_MS } = options;
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: connections,
    // The caller, who knows the claim, decides what a lost connection means for a mail.
    maxRequeues: 0,
    dnsTimeout: 5000,
    connectionTimeout: 5000,
    greetingTimeout: 5000,
    socketTimeout: 15_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  return {
    async send({ mailId, to, subject, text, html }) {
      try {
        await transport.sendMail({
          messageId: `<${mailId}@${domain}>`,
          from,
          to,
          subject,
          text,
          html,
          // RFC 3834: suppresses automatic replies.
          headers: { 'Auto-Submitted': 'auto-generated' },
          signal: AbortSignal.timeout(sendLimitMs),
        });
        return { status: 'accepted' };
      } catch (error) {
        return outcomeOf(error as Error);
      }
    },
    stop: () => transport.close(),
  };
}
