import type { MailValues } from '../domain/delivery.ts';
import type { MailKind } from '../domain/mail.ts';

/** The content of a mail. */
export interface Letter {
  subject: string;
  text: string;
  html: string;
}

/** Writes mails from templates. */
export interface Letters {
  write(kind: MailKind, values: MailValues): Letter;
}

export interface OutgoingMail extends Letter {
  /** The same for every attempt, so that a recipient can recognise a duplicate. */
  mailId: string;
  to: { name: string; address: string };
}

/**
 * | status | means | what follows |
 * |---|---|---|
 * | `accepted` | the mail server has taken responsibility for the mail | – |
 * | `refused` | the server will never accept this mail (5xx) | the mail has ended |
 * | `deferred` | the server does not accept this mail at the moment (4xx) | a later attempt |
 * | `unanswered` | the server fell silent during the conversation, which may affect one mail or the whole server | a later attempt |
 * | `unavailable` | the server cannot be reached, or accepts nothing from us | a later attempt; not held against this mail |
 *
 * In the last two cases, the server may have accepted the mail after all if its answer was lost.
 */
export type SendOutcome =
  | { status: 'accepted' }
  | { status: 'refused' | 'deferred' | 'unanswered' | 'unavailable'; answer: string };

/** The timeout for sending one mail, in milliseconds. */
export const SEND_LIMIT_MS = 30_000;

/** The mail server. */
export interface Mailer {
  /** Never rejects; gives up after {@link SEND_LIMIT_MS}. */
  send(mail: OutgoingMail): Promise<SendOutcome>;
}
