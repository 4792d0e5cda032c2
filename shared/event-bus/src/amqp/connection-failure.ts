import { type AppError, isAppError } from '@warren/kernel';
import { busErrors } from '../bus-errors.ts';

/** An AMQP URL without its login, for logs and messages. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** What a failed attempt to connect means, in the words of somebody who has to mend it. */
export function explainConnectionFailure(error: Error, url: string): AppError {
  if (isAppError(error)) return error;
  const where = shownUrl(url);
  const { username, pathname } = new URL(url);
  const options = { cause: error };
  if (/ACCESS[-_]REFUSED|\b403\b/.test(error.message)) {
    return busErrors.BROKER_REFUSED(`${where} refuses the login of user "${decodeURIComponent(username)}"`, options);
  }
  // amqplib keeps the broker's reason to itself when the virtual host is what it refuses.
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(error.message)) {
    const vhost = decodeURIComponent(pathname.slice(1)) || '/';
    const reasons = 'does not exist, is not for this user, or is not running';
    return busErrors.BROKER_REFUSED(`${where}: the virtual host "${vhost}" ${reasons}`, options);
  }
  return busErrors.BROKER_UNAVAILABLE(`${where}: ${error.message}`, options);
}

/** A broker that has only just started says 404 of a stream or a queue that it knows, and whose process does not run yet (seen on RabbitMQ 3.10). */
const NOT_YET = 'is down or inaccessible';

/** True when the broker knows no such queue or exchange: not when it only does not serve it. */
export function isMissing(error: unknown): boolean {
  const { message, code } = error as Error & { code?: unknown };
  return code === 404 && /\bno (queue|exchange) /.test(message);
}

/** What the broker's refusal of a declaration means; anything else is a lost connection. */
export function explainDeclareFailure(error: unknown): AppError {
  const { message, code } = error as Error & { code?: unknown };
  if ((code === 403 || code === 404 || code === 405 || code === 406) && !message.includes(NOT_YET)) {
    return busErrors.TOPOLOGY_REFUSED(message, { cause: error });
  }
  return busErrors.BROKER_UNAVAILABLE(message, { cause: error });
}
