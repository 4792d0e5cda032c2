import type { MailValues } from '../domain/delivery.ts';
import type { MailKind } from '../domain/mail.ts';

/** The words of a mail. */
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
  /** The same at every try: whoever has got it already can tell. */
  mailId: string;
  to: { name: string; address: string };
}

/**
 * | status | means | what follows |
 * |---|---|---|
 * | `accepted` | the mail server answers for it now | – |
 * | `refused` | it will not take this mail, ever (5xx) | the mail has come to its end |
 * | `deferred` | it does not take this mail at the moment (4xx) | later again |
 * | `unanswered` | it says nothing, in the middle of the talk: for this mail or for all, which only others can show | later again |
 * | `unavailable` | it cannot be reached, or takes nothing from us | later again; no fault of this mail |
 *
 * With the last two the server may have taken the mail all the same, if its answer was lost.
 */
export type SendOutcome =
  | { status: 'accepted' }
  | { status: 'refused' | 'deferred' | 'unanswered' | 'unavailable'; answer: string };

/** The longest that one mail may take, in milliseconds. */
export const SEND_LIMIT_MS = 30_000;

/** The mail server. */
export interface Mailer {
  /** Never rejects; gives up after {@link SEND_LIMIT_MS}. */
  send(mail: OutgoingMail): Promise<SendOutcome>;
}
