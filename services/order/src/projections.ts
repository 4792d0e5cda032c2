import type { InlineProjection } from '@warren/event-store';
import { createOrderProjection } from './adapters/postgres/order-projection.ts';

/** Schema of the service's tables. */
export const SCHEMA = 'order_service';

/** The read models that the service keeps, and that the command line can make anew. */
export function createProjections(): InlineProjection[] {
  return [createOrderProjection()];
}
