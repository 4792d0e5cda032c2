import { type AppError, toAppError } from './errors.ts';
import type { Logger } from './logger.ts';

/** A line that was logged as `error` or `fatal`. */
export interface LoggedError {
  severity: 'error' | 'fatal';
  /** The text of the line. */
  message: string;
  /** What it says in `err`; an error that nobody foresaw is `UNEXPECTED`. */
  error?: AppError;
  /** What it says in these fields. */
  code?: string;
  correlationId?: string;
}

/** A logger, and what is logged as an error through it. */
export interface ErrorFeed {
  /** Logs like the one that it was made of; so do its children. */
  logger: Logger;
  /** Calls the listener with each error from now on, whatever the level of the logger. It must not throw, and not log errors itself. */
  onError(listener: (logged: LoggedError) => void): void;
}

/** Lets others learn of the errors that are logged. */
export function createErrorFeed(logger: Logger): ErrorFeed {
  const listeners: ((logged: LoggedError) => void)[] = [];

  function watched(inner: Logger): Logger {
    const log =
      (severity: 'error' | 'fatal') =>
      (fields: unknown, text?: string, ...rest: unknown[]) => {
        const logged = toLoggedError(severity, fields, text);
        for (const listener of listeners) listener(logged);
        inner[severity](fields, text, ...rest);
      };
    const child: Logger['child'] = (bindings, options) => watched(inner.child(bindings, options)) as never;
    return Object.assign(Object.create(inner), { error: log('error'), fatal: log('fatal'), child });
  }

  return { logger: watched(logger), onError: (listener) => void listeners.push(listener) };
}

/** As pino reads its arguments: fields and a text, an error and a text, or a text alone. */
function toLoggedError(severity: LoggedError['severity'], fields: unknown, text?: string): LoggedError {
  if (typeof fields !== 'object' || fields === null) return { severity, message: String(fields) };
  const { err, code, correlationId } = fields as Record<string, unknown>;
  const thrown = fields instanceof Error ? fields : err;
  return {
    severity,
    message: text ?? '',
    ...(thrown !== undefined && { error: toAppError(thrown) }),
    ...(typeof code === 'string' && { code }),
    ...(typeof correlationId === 'string' && { correlationId }),
  };
}
