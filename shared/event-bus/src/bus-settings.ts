import { formats, type processSettings, type Settings, setting } from '@warren/kernel';
import type { CommonBusOptions, EventBusOptions } from './bus-options.ts';

/** The settings of a service that uses a bus. The dead-letter settings must be the same for every instance of a service. */
export const busSettings = {
  amqpUrl: setting({
    env: 'AMQP_URL',
    doc: 'The broker, e.g. amqp://user:password@localhost:5672.',
    format: formats.url('amqp:', 'amqps:'),
    secret: true,
  }),
  prefetch: setting({
    env: 'PREFETCH',
    doc: 'How many unacknowledged messages of a queue the broker delivers.',
    format: formats.integer(1, 65_535),
    default: 1000,
  }),
  maxBatch: setting({
    env: 'MAX_BATCH',
    doc: 'The most messages handled in one transaction.',
    format: formats.integer(1, 10_000),
    default: 500,
  }),
  retryMaxAttempts: setting({
    env: 'RETRY_MAX_ATTEMPTS',
    doc: 'Attempts to handle a failing message, the first included, before it goes to the dead-letter queue. Attempts while the database is away do not count.',
    format: formats.integer(1, 20),
    default: 5,
  }),
  retryBaseMs: setting({
    env: 'RETRY_BASE_MS',
    doc: 'Delay before the second attempt, in milliseconds; it doubles with each further attempt.',
    format: formats.integer(1, 3_600_000),
    default: 1000,
  }),
  breakerFailures: setting({
    env: 'BREAKER_FAILURES',
    doc: 'A queue pauses when at least this many handler calls were made within BREAKER_RESET_MS and most failed because the database is away.',
    format: formats.integer(1, 1_000_000),
    default: 5,
  }),
  breakerResetMs: setting({
    env: 'BREAKER_RESET_MS',
    doc: 'How long a queue pauses before one message is tried, in milliseconds.',
    format: formats.integer(10, 86_400_000),
    default: 10_000,
  }),
  breakerHalfOpenMs: setting({
    env: 'BREAKER_HALF_OPEN_MS',
    doc: 'How long a queue without messages stays half-open before it counts as recovered, in milliseconds.',
    format: formats.integer(10, 86_400_000),
    default: 30_000,
  }),
  deadLetterTtlMs: setting({
    env: 'DEAD_LETTER_TTL_MS',
    doc: 'Drops a dead letter after this many milliseconds; 0 keeps it. The same for every instance of a service. Loses messages.',
    format: formats.integer(0),
    default: 0,
  }),
  deadLetterMaxLength: setting({
    env: 'DEAD_LETTER_MAX_LENGTH',
    doc: 'Keeps this many dead letters of a queue and drops the oldest beyond that; 0 keeps all. The same for every instance of a service. Loses messages.',
    format: formats.integer(0),
    default: 0,
  }),
};

type ServiceSettings = Settings<typeof busSettings> & Pick<Settings<typeof processSettings>, 'drainTimeoutMs'>;

/** The `EventBus` options of a service that only publishes, from its settings. */
export function publisherOptionsOf({
  amqpUrl,
  drainTimeoutMs,
}: Pick<ServiceSettings, 'amqpUrl' | 'drainTimeoutMs'>): Pick<EventBusOptions<never>, 'url'> &
  Pick<CommonBusOptions<never>, 'drainTimeoutMs'> {
  // The subscriptions and then the bus itself may each take this long, and the other components of the service need their share.
  return { url: amqpUrl, drainTimeoutMs: Math.ceil(drainTimeoutMs / 4) };
}

/** The `EventBus` options of a service, from its settings. */
export function busOptionsOf(
  settings: ServiceSettings,
): ReturnType<typeof publisherOptionsOf> & Pick<CommonBusOptions<never>, 'retry' | 'breaker' | 'deadLetter'> {
  const { retryMaxAttempts, retryBaseMs, deadLetterTtlMs, deadLetterMaxLength } = settings;
  return {
    ...publisherOptionsOf(settings),
    retry: { maxAttempts: retryMaxAttempts, baseMs: retryBaseMs },
    breaker: {
      failures: settings.breakerFailures,
      resetMs: settings.breakerResetMs,
      halfOpenMs: settings.breakerHalfOpenMs,
    },
    deadLetter: { ttlMs: deadLetterTtlMs || undefined, maxLength: deadLetterMaxLength || undefined },
  };
}
