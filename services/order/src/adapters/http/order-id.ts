import { pathIdOf } from '@warren/http';
import { orderErrors } from '../../domain/order-errors.ts';

/** The order that a path names. @throws `ORDER_NOT_FOUND` when it is no UUID. */
export const orderIdOf = (req: Parameters<typeof pathIdOf>[0]): string =>
  pathIdOf(req, () => orderErrors.ORDER_NOT_FOUND('there is no order with this id'));
