import type { EventStore } from '@warren/event-store';
import type { OrderReadModel } from './order-read-model.ts';
import { orderStream } from './order-streams.ts';

/** Tells those who follow an order that something has happened to it. */
export interface OrderWatch {
  /** True once the service drains: nobody is told anything any more, and whoever follows should let go. */
  readonly closed: boolean;
  /** How many follow an order at the moment. */
  readonly size: number;
  /** True while nobody more should follow. Whoever asks, and follows before anything else happens, keeps the limit exactly. */
  readonly full: boolean;
  /**
   * Calls back each time something may have happened to the order, also when the watch closes. A call is a reason to look, no more: it may
   * come for nothing. Gives the function that ends it.
   */
  follow(orderId: string, onChange: () => void): () => void;
  /** Looks for what other instances have done. */
  poll(): Promise<void>;
  /** Calls everybody a last time. */
  close(): void;
}

interface Followed {
  /** The newest version that the followers were told of. */
  version: number;
  followers: Set<() => void>;
}

export interface OrderWatchOptions {
  store: Pick<EventStore, 'onCommitted'>;
  readModel: Pick<OrderReadModel, 'versionsOf'>;
  /** How many may follow an order at the same moment. */
  maxFollowers: number;
}

/**
 * One watch for any number of followers: what this instance commits is told at once, without a query; what others commit is found by
 * `poll`, with one query for all orders that are followed.
 */
export function createOrderWatch({ store, readModel, maxFollowers }: OrderWatchOptions): OrderWatch {
  /** By stream. */
  const followed = new Map<string, Followed & { orderId: string }>();
  let size = 0;
  let closed = false;

  function tell(stream: string, version: number): void {
    const entry = followed.get(stream);
    if (!entry || entry.version >= version) return;
    entry.version = version;
    for (const onChange of entry.followers) onChange();
  }

  const stopListening = store.onCommitted((events) => {
    for (const { streamId, streamVersion } of events) tell(streamId, streamVersion);
  });

  return {
    get closed() {
      return closed;
    },
    get size() {
      return size;
    },
    get full() {
      return size >= maxFollowers;
    },
    follow(orderId, onChange) {
      const stream = orderStream(orderId);
      const entry = followed.get(stream) ?? { orderId, version: 0, followers: new Set() };
      followed.set(stream, entry);
      // A function of its own, so that the same callback may follow twice.
      const follower = () => onChange();
      entry.followers.add(follower);
      size += 1;
      return () => {
        if (!entry.followers.delete(follower)) return;
        size -= 1;
        if (entry.followers.size === 0) followed.delete(stream);
      };
    },
    async poll() {
      if (followed.size === 0) return;
      const orderIds = [...followed.values()].map((entry) => entry.orderId);
      for (const [orderId, version] of await readModel.versionsOf(orderIds)) tell(orderStream(orderId), version);
    },
    close() {
      closed = true;
      stopListening();
      for (const { followers } of followed.values()) for (const onChange of followers) onChange();
    },
  };
}
