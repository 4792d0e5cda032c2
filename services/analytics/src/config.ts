import { busSettings, streamSettings } from '@warren/event-bus';
import { databaseSettings } from '@warren/event-store';
import { formats, processSettings, type Settings, setting } from '@warren/kernel';

const { amqpUrl, prefetch, maxBatch } = busSettings;

/** The settings of the analytics service, from the environment. It reads a stream and no queue, so it has none of those that are about queues alone. */
export const analyticsSettings = {
  port: setting({
    env: 'ANALYTICS_PORT',
    doc: 'Port of the figures, of health, readiness and metrics; 0 takes a free one.',
    format: formats.port,
    default: 3006,
  }),
  updateEveryMs: setting({
    env: 'ANALYTICS_UPDATE_EVERY_MS',
    doc: 'The least time between two AnalyticsUpdated, in milliseconds; none is published while nothing changes.',
    format: formats.integer(100, 86_400_000),
    default: 5000,
  }),
  ...streamSettings,
  amqpUrl,
  prefetch,
  maxBatch,
  ...databaseSettings,
  ...processSettings,
};

export type AnalyticsSettings = Settings<typeof analyticsSettings>;
