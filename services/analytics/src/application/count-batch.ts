import { claimFresh } from '@warren/event-store';
import { orderOf } from '../domain/order-facts.ts';
import { tallyOf } from '../domain/tally.ts';
import type { AnalyticsDependencies } from './analytics-dependencies.ts';
import type { EventBatch } from './event-source.ts';
import { SERVICE_NAME } from './service-name.ts';

/** A batch of the stream, and the read model that it is the next one of. */
export interface NextBatch {
  model: number;
  /** Where the model is. */
  from: number | null;
  batch: EventBatch;
}

/**
 * Counts a batch in one transaction with its offset: wherever the process dies, no offset is counted twice or left out. An event that is in
 * the stream twice counts once. False when the model is elsewhere: nothing was counted.
 */
export function createCountBatch({ store, models }: Pick<AnalyticsDependencies, 'store' | 'models'>) {
  return ({ model, from, batch }: NextBatch): Promise<boolean> =>
    store.transaction(async (tx) => {
      if (!(await models.advance(tx, { id: model, from, to: batch.lastOffset }))) return false;
      // Its own events come back through the stream. Were they counted, each would be a change to be announced by the next one.
      const others = batch.events.filter(({ metadata }) => metadata.source !== SERVICE_NAME);
      const fresh = await claimFresh(tx, `${SERVICE_NAME}/${model}`, others);
      if (fresh.length === 0) return true;
      const orderIds = new Set(fresh.map(orderOf).filter((orderId) => orderId !== undefined));
      const known = await models.loadOrders(tx, model, [...orderIds]);
      await models.add(tx, model, tallyOf(fresh, known), fresh.length);
      return true;
    });
}
