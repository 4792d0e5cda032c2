import { AnalyticsUpdated } from '@shop/events/analytics';
import { createEvent } from '@warren/contracts';
import { minuteEndOf } from '../domain/minute.ts';
import type { AnalyticsDependencies } from './analytics-dependencies.ts';
import { SERVICE_NAME } from './service-name.ts';

const HOUR_MS = 3_600_000;

/** Each has a stream of its own, which ends with it: the stream may be archived. */
export const ENDING_EVENTS: readonly string[] = [AnalyticsUpdated.type];

/** Publishes `AnalyticsUpdated` through the outbox if something was counted since the last one. */
export function createAnnounce({
  store,
  models,
  figures,
  clock,
}: Pick<AnalyticsDependencies, 'store' | 'models' | 'figures' | 'clock'>) {
  return (): Promise<void> =>
    store.transaction(async (tx) => {
      if (!(await models.claimAnnouncement(tx))) return;
      const now = clock.now();
      const to = minuteEndOf(now.getTime());
      // On the same connection: the claim keeps the reader of the stream waiting, which may have the last other one.
      const summary = await figures.summary({ from: new Date(to - HOUR_MS), to: new Date(to) }, tx);
      const { from, events, orders, revenue, confirmationRate } = summary;
      const rate = confirmationRate === null ? {} : { confirmationRate };
      const event = createEvent(AnalyticsUpdated, {
        aggregateId: SERVICE_NAME,
        data: { from, to: summary.to, events, orders, revenue, ...rate },
        source: SERVICE_NAME,
        now,
      });
      const { routingKey } = AnalyticsUpdated;
      // A stream for each: they say what is, not what happened to one thing, and need no order among them.
      await tx.append([{ streamId: `analytics-${event.id}`, expectedVersion: 0, events: [{ ...event, routingKey }] }]);
    });
}
