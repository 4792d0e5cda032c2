import type { OrderView } from '@shop/events/order-view';
import {
  type IdempotencyKeys,
  type KeyUse,
  keyReused,
  type NewEvent,
  type RecordedEvent,
  type StoreTransaction,
} from '@warren/event-store';
import { kernelErrors } from '@warren/kernel';
import { asOrderEvent, orderStream } from './order-streams.ts';
import { viewAtCreation } from './order-view.ts';

/** An order on its way into the log. */
export interface Placement {
  orderId: string;
  events: readonly NewEvent[];
  /** The request's Idempotency-Key. */
  key?: string;
  fingerprint: string;
}

type Streams = Map<string, readonly RecordedEvent[]>;

/**
 * Stores a batch of new orders. An order whose key was used before is not stored: its answer is that of the first use, or
 * `IDEMPOTENCY_KEY_REUSED` when that was for something else. Gives an answer for each placement, in their order.
 */
export async function placeOrders(
  tx: StoreTransaction,
  keys: IdempotencyKeys,
  placements: readonly Placement[],
): Promise<(OrderView | Error)[]> {
  const firstUses = await claimKeys(tx, keys, placements);
  const uses = placements.map((one) => ({ ...one, first: firstUses.get(one.key ?? '') ?? useOf(one) }));
  const streams = await append(
    tx,
    uses.filter((one) => one.first.madeId === one.orderId),
  );
  await loadMissing(tx, streams, [...new Set(uses.map((one) => one.first.madeId))]);
  return uses.map(({ key = '', fingerprint, first }) =>
    fingerprint === first.fingerprint ? viewOf(first.madeId, streams) : keyReused(key),
  );
}

const useOf = ({ fingerprint, orderId }: Placement): Omit<KeyUse, 'key'> => ({ fingerprint, madeId: orderId });

function claimKeys(
  tx: StoreTransaction,
  keys: IdempotencyKeys,
  placements: readonly Placement[],
): Promise<Map<string, KeyUse>> {
  const firstInBatch = new Map<string, KeyUse>();
  for (const placement of placements) {
    const { key } = placement;
    if (key !== undefined && !firstInBatch.has(key)) firstInBatch.set(key, { key, ...useOf(placement) });
  }
  return keys.claim(tx, [...firstInBatch.values()]);
}

async function append(tx: StoreTransaction, placements: readonly Placement[]): Promise<Streams> {
  const operations = placements.map(({ orderId, events }) => ({
    streamId: orderStream(orderId),
    expectedVersion: 0,
    events,
  }));
  const outcomes = await tx.append(operations);
  const streams: Streams = new Map();
  outcomes.forEach((outcome, index) => {
    const { streamId = '' } = operations[index] ?? {};
    if (outcome.status === 'conflict') throw kernelErrors.UNEXPECTED(`the new stream ${streamId} exists already`);
    streams.set(streamId, outcome.events);
  });
  return streams;
}

async function loadMissing(tx: StoreTransaction, streams: Streams, orderIds: readonly string[]): Promise<void> {
  const missing = orderIds.map(orderStream).filter((stream) => !streams.has(stream));
  if (missing.length === 0) return;
  for (const [stream, events] of await tx.load(missing)) streams.set(stream, events);
}

function viewOf(orderId: string, streams: Streams): OrderView {
  const first = streams.get(orderStream(orderId))?.[0];
  const event = first && asOrderEvent(first);
  if (event?.type === 'OrderCreated') return viewAtCreation(event.data);
  throw kernelErrors.UNEXPECTED(`the stream of order ${orderId} does not begin with its creation`);
}
