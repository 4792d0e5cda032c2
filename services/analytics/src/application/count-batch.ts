import type { EventEnvelope } from '@warren/contracts';
import { orderOf } from '../domain/order-facts.ts';
import { tallyOf } from '../domain/tally.ts';
import type { AnalyticsContext } from './analytics-context.ts';

/** Of this service: the source of its events, and the consumer in its inbox. */
const NAME = 'analytics';

/** A batch of the stream, and the read model that it is the next one of. */
export interface NextBatch {
  model: number;
  /** Where the model is. */
  from: number | null;
  events: readonly EventEnvelope[];
  /** Offset of the last message of the batch, also one that is no valid event. */
  lastOffset: number;
}

/**
 * Counts a batch in one transaction with its offset: wherever the process dies, no offset is counted twice or left out. An event that is in
 * the stream twice counts once. False when the model is elsewhere: nothing was counted.
 */
export const countBatch = (
  { store, models }: Pick<AnalyticsContext, 'store' | 'models'>,
  { model, from, events, lastOffset }: NextBatch,
): Promise<boolean> =>
  store.transaction(async (tx) => {
    if (!(await models.advance(tx, { id: model, from, to: lastOffset }))) return false;
    // Its own events come back through the stream. Were they counted, each would be a change to be announced by the next one.
    const others = events.filter(({ metadata }) => metadata.source !== NAME);
    const fresh = await tx.claim(`${NAME}/${model}`, others);
    if (fresh.length === 0) return true;
    const orderIds = new Set(fresh.map(orderOf).filter((orderId) => orderId !== undefined));
    const known = await models.loadOrders(tx, model, [...orderIds]);
    await models.add(tx, model, tallyOf(fresh, known), fresh.length);
    return true;
  });
