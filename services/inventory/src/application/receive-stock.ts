import { type EventOf, QUEUES, type ReceiveStock } from '@warren/contracts';
import { claimFresh } from '@warren/event-store';
import type { InventoryDependencies } from './inventory-dependencies.ts';

/** Books a batch of `ReceiveStock` in one transaction: each message once, however often it is delivered. */
export function createReceiveStock({ store, warehouse, clock, logger }: InventoryDependencies) {
  return async (messages: readonly EventOf<typeof ReceiveStock>[]): Promise<void> => {
    const fresh = await store.transaction(async (tx) => {
      const unhandled = await claimFresh(tx, QUEUES.inventoryReceiveStock, messages);
      const receipts = unhandled.map(({ id, data }) => ({ ...pick(data), kind: 'received', messageId: id }) as const);
      await warehouse.receive(tx, receipts, clock.now());
      return unhandled;
    });
    for (const { id, data, metadata } of fresh) {
      logger.info({ messageId: id, correlationId: metadata.correlationId, ...pick(data) }, 'stock received');
    }
  };
}

const pick = ({ productId, quantity }: EventOf<typeof ReceiveStock>['data']) => ({ productId, quantity });
