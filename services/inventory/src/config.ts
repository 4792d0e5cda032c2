import { formats, LOG_LEVELS, type LogLevel, type Settings, setting } from '@warren/kernel';
import { parseInitialStock } from './domain/initial-stock.ts';

/** The settings of the inventory service, from the environment. */
export const inventorySettings = {
  port: setting({
    env: 'INVENTORY_PORT',
    doc: 'Port of health, readiness and metrics; 0 takes a free one.',
    format: formats.port,
    default: 3002,
  }),
  amqpUrl: setting({
    env: 'AMQP_URL',
    doc: 'The broker, e.g. amqp://user:password@localhost:5672.',
    format: formats.url('amqp:', 'amqps:'),
    secret: true,
  }),
  databaseUrl: setting({
    env: 'DATABASE_URL',
    doc: 'The database, e.g. postgres://user:password@localhost:5432/warren. Tables are in the schema inventory_service.',
    format: formats.url('postgres:', 'postgresql:'),
    secret: true,
  }),
  initialStock: setting({
    env: 'INITIAL_STOCK',
    doc: 'Stock of an empty warehouse, booked once: <product>:<quantity>,… or none.',
    format: parseInitialStock,
    default: parseInitialStock('item1:100,item2:50'),
  }),
  logLevel: setting<LogLevel>({
    env: 'LOG_LEVEL',
    doc: 'Least severity that is logged.',
    format: formats.oneOf(LOG_LEVELS),
    default: 'info',
  }),
  databasePoolSize: setting({
    env: 'DATABASE_POOL_SIZE',
    doc: 'The most connections to the database at the same moment.',
    format: formats.integer(2, 1000),
    default: 10,
  }),
  prefetch: setting({
    env: 'PREFETCH',
    doc: 'How many messages of a queue the broker hands over unacknowledged.',
    format: formats.integer(1, 65_535),
    default: 1000,
  }),
  maxBatch: setting({
    env: 'MAX_BATCH',
    doc: 'The most orders that are answered in one transaction.',
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
  deadLetterTtlMs: setting({
    env: 'DEAD_LETTER_TTL_MS',
    doc: 'Forget a dead letter after so many milliseconds; 0 keeps it. The same for every service. Loses messages.',
    format: formats.integer(0),
    default: 0,
  }),
  deadLetterMaxLength: setting({
    env: 'DEAD_LETTER_MAX_LENGTH',
    doc: 'Keep so many dead letters of a queue, dropping the oldest; 0 keeps all. The same for every service. Loses messages.',
    format: formats.integer(0),
    default: 0,
  }),
  drainTimeoutMs: setting({
    env: 'DRAIN_TIMEOUT_MS',
    doc: 'How long a stop may take to finish what is in hand, in milliseconds.',
    format: formats.integer(1, 600_000),
    default: 10_000,
  }),
};

export type InventorySettings = Settings<typeof inventorySettings>;
