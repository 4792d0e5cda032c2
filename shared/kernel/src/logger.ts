import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { logOutput } from './log-output.ts';

/** Structured logger: `logger.info({ correlationId, orderId }, 'order created')`. */
export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child' | 'level'>;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  /** Name of the service, in every line as `service`. */
  service: string;
  /** @default 'info' */
  level?: LogLevel;
  /** Where lines go. @default standard output, which never blocks; see `LogOutput` */
  destination?: DestinationStream;
}

const SECRETS = ['password', 'amqpUrl', 'databaseUrl', 'url', 'authorization', 'cookie'];

/**
 * A JSON logger: one line per entry, ISO 8601 times. Replaces fields that hold secrets or connection URLs by `[redacted]`, at the top level
 * and one level down, so that a logged settings object reveals no secret.
 */
export function createLogger({ service, level = 'info', destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (destination) return pino(options, destination);
  const output = logOutput();
  const logger = pino(options, output);
  output.onCaughtUp = ({ lines, since }) =>
    logger.warn({ lines, since }, 'log lines were dropped because nobody read them');
  return logger;
}

/** A logger that writes nothing: the default of every component in the kit. */
export const silentLogger: Logger = pino({ level: 'silent' });
