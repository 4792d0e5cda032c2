import { type AppError, decodeUrlPart, isAppError } from '@warren/kernel';
import { busErrors } from '../bus-errors.ts';

/** An AMQP URL without its login, for logs and messages. */
export function redactedUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** True when the broker has accepted the login but refused the virtual host. amqplib does not expose the broker's reason. */
export function isVhostRefusal(error: Error): boolean {
  return /Expected ConnectionOpenOk; got <ConnectionClose/.test(error.message);
}

/** Explains a failed attempt to connect to the person who has to fix it. `reason` is the broker's reason, if known. */
export function explainConnectionFailure(error: Error, url: string, reason?: string): AppError {
  if (isAppError(error)) return error;
  const where = redactedUrl(url);
  const { username, pathname } = new URL(url);
  const options = { cause: error };
  if (/ACCESS[-_]REFUSED|\b403\b/.test(error.message)) {
    return busErrors.BROKER_REFUSED(`${where} refuses the login of user "${decodeUrlPart(username)}"`, options);
  }
  if (isVhostRefusal(error)) {
    if (reason !== undefined) return busErrors.BROKER_REFUSED(`${where}: ${reason}`, options);
    const vhost = decodeUrlPart(pathname.slice(1)) || '/';
    const reasons = 'does not exist, is not accessible to this user, is not running';
    const limits = "or it or the user has reached its connection limit (the broker's log says which)";
    return busErrors.BROKER_REFUSED(`${where}: the virtual host "${vhost}" ${reasons}, ${limits}`, options);
  }
  return busErrors.BROKER_UNAVAILABLE(`${where}: ${error.message}`, options);
}

/** Explains how an established connection was lost. */
export function explainConnectionLoss(error: Error, url: string): AppError {
  const message = `${redactedUrl(url)}: connection lost: ${brokerMessage(error.message)}`;
  return busErrors.BROKER_UNAVAILABLE(message, { cause: error });
}

/**
 * How a broker that has just started reports a known stream or queue whose process is not running yet: 404 to a declaration, 406 to a
 * stream reader (seen on RabbitMQ 3.10).
 */
const NOT_YET = /is down or inaccessible|replica on the local node/;
const REFUSALS: readonly unknown[] = [403, 404, 405, 406];

/** True when the broker has refused one request and closed the channel, but not the connection. */
export function isChannelRefusal(error: unknown): boolean {
  return REFUSALS.includes((error as { code?: unknown } | undefined)?.code);
}

/** Extracts the broker's message from an amqplib error. */
export function brokerMessage(message: string): string {
  return /with message "(.*)"$/s.exec(message)?.[1] ?? message;
}

/** True when the broker has no such queue or exchange; false when it merely does not serve it. */
export function isMissing(error: unknown): boolean {
  const { message, code } = error as Error & { code?: unknown };
  return code === 404 && /\bno (queue|exchange) /.test(message);
}

/** Explains a failed declaration: a refusal by the broker; anything else is a lost connection. */
export function explainDeclareFailure(error: unknown): AppError {
  if (isAppError(error)) return error;
  const message = brokerMessage((error as Error).message);
  if (isChannelRefusal(error) && !NOT_YET.test(message)) return busErrors.TOPOLOGY_REFUSED(message, { cause: error });
  return busErrors.BROKER_UNAVAILABLE(message, { cause: error });
}
