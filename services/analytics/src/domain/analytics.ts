import { AnalyticsUpdated } from '@shop/events/analytics';
import { defineAggregate, type EventIn, ignored } from '@warren/contracts';

const events = { AnalyticsUpdated };

type Announced = EventIn<typeof events>;

/** The figures of the last hour are to be announced. */
export interface Announce {
  type: 'Announce';
  data: { announcementId: string; figures: Announced['data'] };
}

/**
 * An announcement of the figures. Each has a stream of its own, which ends with it: announcements say what is, not what happened to one
 * thing, and need no order among them.
 */
export const analytics = defineAggregate({
  category: 'analytics',
  events,
  ends: ['AnalyticsUpdated'],
  initial: { announced: false },
  idOf: ({ data }: Announce) => data.announcementId,
  aboutOf: () => 'analytics',
  decide: ({ announced }: { announced: boolean }, { data }: Announce) =>
    announced ? ignored('it was announced already') : [{ type: 'AnalyticsUpdated', data: data.figures }],
  evolve: () => ({ announced: true }),
});
