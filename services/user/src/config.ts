import { busSettings } from '@warren/event-bus';
import { databaseSettings, idempotencySettings } from '@warren/event-store';
import { formats, processSettings, type Settings, setting } from '@warren/kernel';

const { amqpUrl } = busSettings;
const { databaseUrl, databasePoolSize, statementTimeoutMs, streamKeepMs } = databaseSettings;

/** The settings of the user service, from the environment. It consumes no messages, so it has none of those that are about that. */
export const userSettings = {
  port: setting({
    env: 'USER_PORT',
    doc: 'Port of the API, of health, readiness and metrics; 0 takes a free one.',
    format: formats.port,
    default: 3003,
  }),
  ...idempotencySettings,
  amqpUrl,
  databaseUrl,
  databasePoolSize,
  statementTimeoutMs,
  streamKeepMs,
  ...processSettings,
};

export type UserSettings = Settings<typeof userSettings>;
