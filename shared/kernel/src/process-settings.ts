import { formats, setting } from './config.ts';
import { LOG_LEVELS, type LogLevel } from './logger.ts';

/** The settings of every process. */
export const processSettings = {
  logLevel: setting<LogLevel>({
    env: 'LOG_LEVEL',
    doc: 'Lowest severity that is logged.',
    format: formats.oneOf(LOG_LEVELS),
    default: 'info',
  }),
  drainTimeoutMs: setting({
    env: 'DRAIN_TIMEOUT_MS',
    doc: 'How long a stop may take to finish work in progress, in milliseconds.',
    format: formats.integer(1, 600_000),
    default: 10_000,
  }),
  shutdownDelayMs: setting({
    env: 'SHUTDOWN_DELAY_MS',
    doc: 'How long a stop waits before it drains, in milliseconds: readiness is 503, requests are still answered. For load balancers that take a while to notice.',
    format: formats.integer(0, 600_000),
    default: 0,
  }),
  otlpEndpoint: setting({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    doc: 'Where spans are sent by OTLP over HTTP, e.g. http://localhost:4318. Without it no spans are recorded.',
    format: formats.url('http:', 'https:'),
    default: '',
  }),
};
