import { databaseSettings } from '@warren/event-store';
import { formats, type Settings, setting } from '@warren/kernel';

const { inboxKeepMs } = databaseSettings;

/** The analytics service's own settings. */
export const analyticsSettings = {
  updateEveryMs: setting({
    env: 'ANALYTICS_UPDATE_EVERY_MS',
    doc: 'The least time between two AnalyticsUpdated, in milliseconds; none is published while nothing changes.',
    format: formats.integer(100, 86_400_000),
    default: 5000,
  }),
  /** Of the kit, for what is known of orders as well. */
  inboxKeepMs,
};

export type AnalyticsSettings = Settings<typeof analyticsSettings>;
