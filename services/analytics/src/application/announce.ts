import { createId } from '@warren/kernel';
import { analytics } from '../domain/analytics.ts';
import { minuteEndOf } from '../domain/minute.ts';
import type { AnalyticsContext } from './analytics-context.ts';

const HOUR_MS = 3_600_000;

/** Publishes the figures as `AnalyticsUpdated` if anything was counted since the last time. */
export const announce = ({
  store,
  models,
  figures,
  clock,
}: Pick<AnalyticsContext, 'store' | 'models' | 'figures' | 'clock'>): Promise<void> =>
  store.transaction(async (tx) => {
    if (!(await models.claimAnnouncement(tx))) return;
    const end = minuteEndOf(clock.now().getTime());
    // On the same connection: the stream reader waits for the claim and may hold the only other connection.
    const summary = await figures.summary({ from: new Date(end - HOUR_MS), to: new Date(end) }, tx);
    const { from, to, events, orders, revenue, confirmationRate } = summary;
    const rate = confirmationRate === null ? {} : { confirmationRate };
    const data = { announcementId: createId(), figures: { from, to, events, orders, revenue, ...rate } };
    await tx.decide(analytics, { type: 'Announce', data });
  });
