import type { SendOutcome } from '../../application/mailer.ts';

/** What nodemailer tells of a failure, beside its message. */
interface SmtpFailure extends Error {
  /** Nodemailer's own, e.g. `ECONNECTION`. */
  code?: string;
  /** Of SMTP, e.g. 550. */
  responseCode?: number;
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
const TOO_LONG = 'ABORT_ERR';

/** The server closes the connection, whatever it was asked (RFC 5321, 4.2.1). */
const CLOSING = 421;

/**
 * What a failed try means (RFC 5321, 4.2.1: 4xx is for now, 5xx for good). What cannot be put down to the server counts against the mail, so
 * that one odd mail does not keep the others from being sent.
 */
export function outcomeOf(error: Error): Exclude<SendOutcome, { status: 'accepted' }> {
  const { code = '', responseCode, command = '', timeoutType, message } = error as SmtpFailure;
  const aboutTheMail = ABOUT_THE_MAIL.includes(command);
  if (responseCode !== undefined && aboutTheMail && responseCode !== CLOSING)
    return { status: responseCode >= 500 ? 'refused' : 'deferred', answer: message };
  if (timeoutType === SILENCE || code === TOO_LONG) return { status: 'unanswered', answer: message };
  const aboutTheServer = responseCode !== undefined || ABOUT_THE_SERVER.includes(code);
  return { status: aboutTheServer ? 'unavailable' : 'deferred', answer: message };
}
