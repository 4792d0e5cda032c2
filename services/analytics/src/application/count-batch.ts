import type { EventEnvelope } from '@warren/contracts';
import { orderOf } from '../domain/order-facts.ts';
import { tallyOf } from '../domain/tally.ts';
import type { AnalyticsContext } from './analytics-context.ts';

/** The name of this service: the source of its events and the consumer in its inbox. */
const NAME = 'analytics';

/** The next batch of the stream for a read model. */
export interface NextBatch {
  model: number;
  /** Current offset of the model; null before the first batch. */
  from: number | null;
  events: readonly EventEnvelope[];
  /** Offset of the last message of the batch, even if that is not a valid event. */
  lastOffset: number;
}

/**
 * Counts a batch and moves the offset in one transaction: wherever the process dies, no offset is counted twice or skipped. An event that
 * is in the stream twice counts once. Returns false, and counts nothing, when the model is at another offset.
 */
export const countBatch = (
  { store, models }: Pick<AnalyticsContext, 'store' | 'models'>,
  { model, from, events, lastOffset }: NextBatch,
): Promise<boolean> =>
  store.transaction(async (tx) => {
    if (!(await models.advance(tx, { id: model, from, to: lastOffset }))) return false;
    // The service's own events come back through the stream. If they counted, each announcement would cause the next one.
    const others = events.filter(({ metadata }) => metadata.source !== NAME);
    const fresh = await tx.claim(`${NAME}/${model}`, others);
    if (fresh.length === 0) return true;
    const orderIds = new Set(fresh.map(orderOf).filter((orderId) => orderId !== undefined));
    const known = await models.loadOrders(tx, model, [...orderIds]);
    await models.add(tx, model, tallyOf(fresh, known), fresh.length);
    return true;
  });
