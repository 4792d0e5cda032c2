import { formats, type processSettings, type Settings, setting } from '@warren/kernel';
import type { CommonBusOptions, EventBusOptions } from './bus-options.ts';

/** The settings of a service on a bus. Those of the dead letters must be the same for every instance of one. */
export const busSettings = {
  amqpUrl: setting({
    env: 'AMQP_URL',
    doc: 'The broker, e.g. amqp://user:password@localhost:5672.',
    format: formats.url('amqp:', 'amqps:'),
    secret: true,
  }),
  prefetch: setting({
    env: 'PREFETCH',
    doc: 'How many messages of a queue the broker hands over unacknowledged.',
    format: formats.integer(1, 65_535),
    default: 1000,
  }),
  maxBatch: setting({
    env: 'MAX_BATCH',
    doc: 'The most messages that are handled in one transaction.',
    format: formats.integer(1, 10_000),
    default: 500,
  }),
  retryMaxAttempts: setting({
    env: 'RETRY_MAX_ATTEMPTS',
    doc: 'Tries of a message that fails, the first included, before it goes to the dead-letter queue. A database that is away does not count.',
    format: formats.integer(1, 20),
    default: 5,
  }),
  retryBaseMs: setting({
    env: 'RETRY_BASE_MS',
    doc: 'Delay before the second try in milliseconds; each further one is twice as long.',
    format: formats.integer(1, 3_600_000),
    default: 1000,
  }),
  breakerFailures: setting({
    env: 'BREAKER_FAILURES',
    doc: 'A queue rests when at least so many handler calls were made within BREAKER_RESET_MS and most failed because the database is away.',
    format: formats.integer(1, 1_000_000),
    default: 5,
  }),
  breakerResetMs: setting({
    env: 'BREAKER_RESET_MS',
    doc: 'How long it rests before one message is tried, in milliseconds.',
    format: formats.integer(10, 86_400_000),
    default: 10_000,
  }),
  breakerHalfOpenMs: setting({
    env: 'BREAKER_HALF_OPEN_MS',
    doc: 'How long a queue without messages stays half-open before it counts as mended, in milliseconds.',
    format: formats.integer(10, 86_400_000),
    default: 30_000,
  }),
  deadLetterTtlMs: setting({
    env: 'DEAD_LETTER_TTL_MS',
    doc: 'Forget a dead letter after so many milliseconds; 0 keeps it. The same for every instance of a service. Loses messages.',
    format: formats.integer(0),
    default: 0,
  }),
  deadLetterMaxLength: setting({
    env: 'DEAD_LETTER_MAX_LENGTH',
    doc: 'Keep so many dead letters of a queue, dropping the oldest; 0 keeps all. The same for every instance of a service. Loses messages.',
    format: formats.integer(0),
    default: 0,
  }),
};

type ServiceSettings = Settings<typeof busSettings> & Pick<Settings<typeof processSettings>, 'drainTimeoutMs'>;

/** The options of an `EventBus` that the settings of a service decide which subscribes to no queue. */
export function publisherOptionsOf({
  amqpUrl,
  drainTimeoutMs,
}: Pick<ServiceSettings, 'amqpUrl' | 'drainTimeoutMs'>): Pick<EventBusOptions<never>, 'url'> &
  Pick<CommonBusOptions<never>, 'drainTimeoutMs'> {
  // Its subscriptions and then the bus itself may each take so long: the other components of the service need their share.
  return { url: amqpUrl, drainTimeoutMs: Math.ceil(drainTimeoutMs / 4) };
}

/** The options of an `EventBus` that the settings of a service decide. */
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
