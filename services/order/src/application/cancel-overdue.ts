import { causeOf } from '@warren/contracts';
import { isAppError } from '@warren/kernel';
import { type DecidedRequest, decideOrders, type OrderRequest } from './decide-orders.ts';
import type { OrderDependencies } from './order-dependencies.ts';
import { orderStream } from './order-streams.ts';
import { createDecisionReport } from './report-decisions.ts';

/**
 * Cancels orders that are pending though the broker had confirmed their creation by `confirmedBefore`, `batch` at once, until none is left
 * or the signal is aborted; returns how many it found. Several instances may find the same ones: the first to append wins, and the others decide again, on an order that has ended.
 * @throws whatever keeps the database from answering
 */
export function createOverdueCancellation({ store, readModel, clock, logger, decisions }: OrderDependencies) {
  const report = createDecisionReport({ logger, decisions });

  function cancel(orderIds: readonly string[]): Promise<DecidedRequest[]> {
    return store.transaction(async (tx) => {
      const streams = await tx.load(orderIds.map(orderStream));
      const requests = orderIds.map((orderId): OrderRequest => {
        const created = streams.get(orderStream(orderId))?.[0];
        const cause = created ? causeOf(created) : { correlationId: orderId, causationId: orderId };
        return { orderId, input: { type: 'PassDeadline', data: { orderId } }, cause };
      });
      return decideOrders(tx, requests, { now: clock.now() });
    });
  }

  /** One order that cannot be decided must not keep the others pending. */
  async function cancelOneByOne(orderIds: readonly string[]): Promise<DecidedRequest[]> {
    const decided: DecidedRequest[] = [];
    for (const orderId of orderIds) {
      await cancel([orderId]).then(
        (one) => decided.push(...one),
        (err) => logger.error({ err, orderId }, 'an overdue order could not be cancelled'),
      );
    }
    return decided;
  }

  async function cancelAll(orderIds: readonly string[]): Promise<DecidedRequest[]> {
    try {
      return await cancel(orderIds);
    } catch (error) {
      if (isAppError(error) && error.kind === 'transient') throw error;
      logger.warn({ err: error }, 'a batch of overdue orders could not be cancelled together');
      return cancelOneByOne(orderIds);
    }
  }

  return async (confirmedBefore: Date, batch: number, signal?: AbortSignal): Promise<number> => {
    // They may stay overdue: without leaving them out, a batch of them would hide all others.
    const undecided = new Set<string>();
    let found = 0;
    for (;;) {
      const orderIds = await readModel.listOverdue(confirmedBefore, { limit: batch, except: [...undecided] });
      found += orderIds.length;
      for (const orderId of orderIds) undecided.add(orderId);
      for (const one of orderIds.length > 0 ? await cancelAll(orderIds) : []) {
        report(one);
        if (!('outcome' in one.decision)) undecided.delete(one.request.orderId);
      }
      if (orderIds.length < batch || signal?.aborted) return found;
    }
  };
}
