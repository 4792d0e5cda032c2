import { formats, setting } from './config.ts';
import { LOG_LEVELS, type LogLevel } from './logger.ts';

/** The settings that every process has. */
export const processSettings = {
  logLevel: setting<LogLevel>({
    env: 'LOG_LEVEL',
    doc: 'Least severity that is logged.',
    format: formats.oneOf(LOG_LEVELS),
    default: 'info',
  }),
  drainTimeoutMs: setting({
    env: 'DRAIN_TIMEOUT_MS',
    doc: 'How long a stop may take to finish what is in hand, in milliseconds.',
    format: formats.integer(1, 600_000),
    default: 10_000,
  }),
};
