import { AnalyticsUpdated } from '@shop/events/analytics';
import { defineAggregate, type EventIn, ignored } from '@warren/contracts';

const events = { AnalyticsUpdated };

type Announced = EventIn<typeof events>;

/** Announces the figures of the last hour. */
export interface Announce {
  type: 'Announce';
  data: { announcementId: string; figures: Announced['data'] };
}

/**
 * An announcement of the figures. Each has its own stream with one event: announcements report a state, not the history of one thing, and
 * need no order among them.
 */
export const analytics = defineAggregate({
  category: 'analytics',
  events,
  ends: ['AnalyticsUpdated'],
  initial: { announced: false },
  idOf: ({ data }: Announce) => data.announcementId,
  aboutOf: () => 'analytics',
  decide: ({ announced }: { announced: boolean }, { data }: Announce) =>
    announced ? ignored('already announced') : [{ type: 'AnalyticsUpdated', data: data.figures }],
  evolve: () => ({ announced: true }),
});
