import { toStorableText } from '@warren/kernel';
import type { SendOutcome } from '../../application/mailer.ts';

/** What nodemailer tells of a failure, beside its message. */
interface SmtpFailure extends Error {
  /** Nodemailer's own, e.g. `ECONNECTION`. */
  code?: string;
  /** Of SMTP, e.g. 550. */
  responseCode?: number;
  /** The server's answer, which may carry an enhanced status code (RFC 3463). */
  response?: string;
  /** What the server answered with it. */
  command?: string;
  /** Which limit an `ETIMEDOUT` is about. */
  timeoutType?: string;
}

/** Answers to these are about the recipient or the message; to all others, about us or the server. */
const ABOUT_THE_MAIL = ['RCPT TO', 'DATA'];

/** Without an answer: the server could not be talked to. */
const ABOUT_THE_SERVER = ['ECONNECTION', 'ETIMEDOUT', 'ESOCKET', 'EDNS', 'ETLS', 'EAUTH', 'EPROTOCOL'];

/** After the greeting, at whatever point of the talk. */
const SILENCE = 'SOCKET_TIMEOUT';
/** The whole talk took too long. */
const TOO_LONG = 'EABORT';

/** The server closes the connection (RFC 5321, 4.2.1), or wants a login (RFC 4954, 6), whatever it was asked. */
const NOT_ABOUT_THE_MAIL = [421, 530, 534, 535, 538];
/** The sender's address is refused. Postfix says so only when it is told the recipient. */
const BAD_SENDER = /^\d{3}[ -][45]\.1\.[78]\b/;

/**
 * What a failed try means (RFC 5321, 4.2.1: 4xx is for now, 5xx for good). What cannot be put down to the server counts against the mail, so
 * that one odd mail does not keep the others from being sent.
 */
export function outcomeOf(error: Error): Exclude<SendOutcome, { status: 'accepted' }> {
  const { code = '', responseCode = 0, response = '', command = '', timeoutType } = error as SmtpFailure;
  // It is recorded, and a mail server may answer anything.
  const answer = toStorableText(error.message);
  const aboutUs = NOT_ABOUT_THE_MAIL.includes(responseCode) || BAD_SENDER.test(response);
  if (responseCode > 0 && ABOUT_THE_MAIL.includes(command) && !aboutUs)
    return { status: responseCode >= 500 ? 'refused' : 'deferred', answer };
  if (timeoutType === SILENCE || code === TOO_LONG) return { status: 'unanswered', answer };
  const aboutTheServer = responseCode > 0 || ABOUT_THE_SERVER.includes(code);
  return { status: aboutTheServer ? 'unavailable' : 'deferred', answer };
}
