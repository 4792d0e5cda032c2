import { databaseSettings } from '@warren/event-store';
import { formats, type Settings, setting } from '@warren/kernel';

const { inboxKeepMs } = databaseSettings;

/** The analytics service's own settings. */
export const analyticsSettings = {
  updateEveryMs: setting({
    env: 'ANALYTICS_UPDATE_EVERY_MS',
    doc: 'The minimum time between two AnalyticsUpdated events, in milliseconds; none is published while nothing changes.',
    format: formats.integer(100, 86_400_000),
    default: 5000,
  }),
  /** A setting of the kit that applies to the table `order_fact` too. */
  inboxKeepMs,
};

export type AnalyticsSettings = Settings<typeof analyticsSettings>;
