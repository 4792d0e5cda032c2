import { type AppError, toAppError } from './errors.ts';
import type { Logger } from './logger.ts';

/** A line that was logged as `error` or `fatal`. */
export interface LoggedError {
  severity: 'error' | 'fatal';
  /** The message of the line. */
  message: string;
  /** The line's `err`; an unexpected error becomes `UNEXPECTED`. */
  error?: AppError;
  /** The line's field of the same name. */
  code?: string;
  correlationId?: string;
}

/** A logger whose errors can be observed. */
export interface ErrorFeed {
  /** Logs like the original logger; so do its children. */
  logger: Logger;
  /** Calls the listener with each error from now on, whatever the log level. The listener must not throw and must not log errors itself. */
  onError(listener: (logged: LoggedError) => void): void;
}

/** Lets listeners observe the errors that are logged. */
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

/** Accepts the same arguments as pino: fields and a message, an error and a message, or a message alone. */
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
