import type { OrderView } from '@warren/contracts';
import type { OrderCreatedData } from '../domain/order.ts';

/** An order right after its creation, whatever has happened to it since: the answer to the request that created it. */
export function viewAtCreation(created: OrderCreatedData): OrderView {
  return { ...created, version: 1, updatedAt: created.createdAt };
}
