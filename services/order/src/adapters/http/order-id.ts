import { isId } from '@warren/kernel';
import { orderErrors } from '../../domain/order-errors.ts';

/** The order that a path names. @throws `ORDER_NOT_FOUND` when it is no UUID: no order has such an id. */
export function orderIdOf({ params }: { params: Record<string, string | string[] | undefined> }): string {
  if (isId(params.id)) return params.id.toLowerCase();
  throw orderErrors.ORDER_NOT_FOUND('there is no order with this id');
}
