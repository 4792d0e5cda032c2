import { type AppError, decodeUrlPart, isAppError } from '@warren/kernel';
import { busErrors } from '../bus-errors.ts';

/** An AMQP URL without its login, for logs and messages. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** True when the broker has accepted the login, and refuses the virtual host. amqplib keeps the broker's reason to itself then. */
export function isVhostRefusal(error: Error): boolean {
  return /Expected ConnectionOpenOk; got <ConnectionClose/.test(error.message);
}

/** What a failed attempt to connect means, in the words of somebody who has to mend it; `words` are the broker's, where they are known. */
export function explainConnectionFailure(error: Error, url: string, words?: string): AppError {
  if (isAppError(error)) return error;
  const where = shownUrl(url);
  const { username, pathname } = new URL(url);
  const options = { cause: error };
  if (/ACCESS[-_]REFUSED|\b403\b/.test(error.message)) {
    return busErrors.BROKER_REFUSED(`${where} refuses the login of user "${decodeUrlPart(username)}"`, options);
  }
  if (isVhostRefusal(error)) {
    if (words !== undefined) return busErrors.BROKER_REFUSED(`${where}: ${words}`, options);
    const vhost = decodeUrlPart(pathname.slice(1)) || '/';
    const reasons = 'does not exist, is not for this user, is not running';
    const limits = 'or it or the user has all the connections that are allowed (the log of the broker says which)';
    return busErrors.BROKER_REFUSED(`${where}: the virtual host "${vhost}" ${reasons}, ${limits}`, options);
  }
  return busErrors.BROKER_UNAVAILABLE(`${where}: ${error.message}`, options);
}

/** How a connection that stood was lost. */
export function explainConnectionLoss(error: Error, url: string): AppError {
  const message = `${shownUrl(url)}: the connection was lost: ${brokerWords(error.message)}`;
  return busErrors.BROKER_UNAVAILABLE(message, { cause: error });
}

/**
 * What a broker that has only just started says of a stream or a queue that it knows, and whose process does not run yet: 404 to a declaration,
 * 406 to who would read a stream (seen on RabbitMQ 3.10).
 */
const NOT_YET = /is down or inaccessible|replica on the local node/;
const REFUSALS: readonly unknown[] = [403, 404, 405, 406];

/** True when the broker has refused one thing and closed the channel over it; its connection lives on. */
export function isChannelRefusal(error: unknown): boolean {
  return REFUSALS.includes((error as { code?: unknown } | undefined)?.code);
}

/** The broker's own words in an error of amqplib. */
export function brokerWords(message: string): string {
  return /with message "(.*)"$/s.exec(message)?.[1] ?? message;
}

/** True when the broker knows no such queue or exchange: not when it only does not serve it. */
export function isMissing(error: unknown): boolean {
  const { message, code } = error as Error & { code?: unknown };
  return code === 404 && /\bno (queue|exchange) /.test(message);
}

/** What the broker's refusal of a declaration means; anything else is a lost connection. */
export function explainDeclareFailure(error: unknown): AppError {
  if (isAppError(error)) return error;
  const message = brokerWords((error as Error).message);
  if (isChannelRefusal(error) && !NOT_YET.test(message)) return busErrors.TOPOLOGY_REFUSED(message, { cause: error });
  return busErrors.BROKER_UNAVAILABLE(message, { cause: error });
}
