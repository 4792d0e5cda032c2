import type { EventStore, RecordedEvent } from '@warren/event-store';
import { orderErrors } from '../domain/order-errors.ts';
import { orderStream, replay } from './order-streams.ts';
import type { OrderWatch } from './order-watch.ts';

/** What a follower of an order wants. */
export interface FollowOrder {
  orderId: string;
  /** Only events behind this place of the order's history; 0 for all. */
  after: number;
  /** Ends the following. */
  signal: AbortSignal;
}

/**
 * Gives an order's events, those that are there and those that come, until it has ended (neither pending nor anything to give behind
 * `after`), the signal is aborted or the service drains.
 * @throws `ORDER_NOT_FOUND` before the first event
 */
export function createOrderFollowing(store: Pick<EventStore, 'load'>, watch: OrderWatch) {
  return async function* ({ orderId, after, signal }: FollowOrder): AsyncGenerator<RecordedEvent, void> {
    const bell = createBell();
    // Before the first look: what happens between look and wait rings the bell.
    const unfollow = watch.follow(orderId, bell.ring);
    signal.addEventListener('abort', bell.ring, { once: true });
    try {
      for (let seen = after; !signal.aborted; await bell.rung()) {
        const stream = orderStream(orderId);
        const events = (await store.load([stream])).get(stream) ?? [];
        if (events.length === 0) throw orderErrors.ORDER_NOT_FOUND(`there is no order ${orderId}`);
        for (const event of events.slice(seen)) yield event;
        seen = Math.max(seen, events.length);
        if (replay(events).status !== 'pending' || watch.closed) return;
      }
    } finally {
      unfollow();
      signal.removeEventListener('abort', bell.ring);
    }
  };
}

/** A ring while nobody waits is kept for the next wait. */
function createBell() {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring(): void {
      isRung = true;
      wake?.();
    },
    async rung(): Promise<void> {
      if (!isRung) await new Promise<void>((resolve) => (wake = resolve));
      isRung = false;
    },
  };
}
