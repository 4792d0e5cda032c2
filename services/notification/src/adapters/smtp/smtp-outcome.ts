import { toStorableText } from '@warren/kernel';
import type { SendOutcome } from '../../application/mailer.ts';

/** What nodemailer adds to the error of a failed attempt. */
interface SmtpFailure extends Error {
  /** Nodemailer's own, e.g. `ECONNECTION`. */
  code?: string;
  /** Of SMTP, e.g. 550. */
  responseCode?: number;
  /** The server's answer, which may carry an enhanced status code (RFC 3463). */
  response?: string;
  /** The command that the server answered with it. */
  command?: string;
  /** Which timeout an `ETIMEDOUT` is about. */
  timeoutType?: string;
}

/** Answers to these commands are about the recipient or the message; answers to all others, about us or the server. */
const ABOUT_THE_MAIL = ['RCPT TO', 'DATA'];

/** Errors without an answer: no conversation with the server was possible. */
const ABOUT_THE_SERVER = ['ECONNECTION', 'ETIMEDOUT', 'ESOCKET', 'EDNS', 'ETLS', 'EAUTH', 'EPROTOCOL'];

/** No answer after the greeting, at any point of the conversation. */
const SILENCE = 'SOCKET_TIMEOUT';
/** The whole conversation took too long. */
const TOO_LONG = 'EABORT';

/** The server closes the connection (RFC 5321, 4.2.1) or requires a login (RFC 4954, 6), whatever the command. */
const NOT_ABOUT_THE_MAIL = [421, 530, 534, 535, 538];
/** The sender's address is refused. Postfix says so only in answer to the recipient. */
const BAD_SENDER = /^\d{3}[ -][45]\.1\.[78]\b/;

/**
 * Classifies a failed attempt (RFC 5321, 4.2.1: 4xx is temporary, 5xx permanent). A failure that is not clearly the server's counts against
 * the mail, so that one bad mail does not block the others.
 */
export function outcomeOf(error: Error): Exclude<SendOutcome, { status: 'accepted' }> {
  const { code = '', responseCode = 0, response = '', command = '', timeoutType } = error as SmtpFailure;
  // The answer is stored, and a mail server may answer anything.
  const answer = toStorableText(error.message);
  const aboutUs = NOT_ABOUT_THE_MAIL.includes(responseCode) || BAD_SENDER.test(response);
  if (responseCode > 0 && ABOUT_THE_MAIL.includes(command) && !aboutUs)
    return { status: responseCode >= 500 ? 'refused' : 'deferred', answer };
  if (timeoutType === SILENCE || code === TOO_LONG) return { status: 'unanswered', answer };
  const aboutTheServer = responseCode > 0 || ABOUT_THE_SERVER.includes(code);
  return { status: aboutTheServer ? 'unavailable' : 'deferred', answer };
}
