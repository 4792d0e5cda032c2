import { defineEvent, ShortText } from '@warren/contracts';
import { type Static, Type } from 'typebox';
import { OrderItem } from './order.ts';
import { EXCHANGES } from './topology.ts';

/** A product of which an order requests more than is available. `available` is 0 for an unknown product. */
export const Shortage = Type.Object({
  productId: ShortText,
  requested: Type.Integer({ minimum: 1 }),
  available: Type.Integer({ minimum: 0 }),
});
export type Shortage = Static<typeof Shortage>;

/** Pieces of one product. */
const ProductQuantity = Type.Object({ productId: ShortText, quantity: Type.Integer({ minimum: 1 }) });

/** All lines of an order are reserved. `reservations` has each product once. */
export const InventoryReserved = defineEvent({
  type: 'InventoryReserved',
  version: 1,
  exchange: EXCHANGES.inventory,
  routingKey: 'inventory.reserved',
  schema: Type.Object(
    {
      orderId: ShortText,
      reservations: Type.Array(ProductQuantity, { minItems: 1 }),
    },
    { description: 'All lines of an order are set aside for it. Each product stands once.' },
  ),
});

/** Nothing is reserved for an order, because at least one product is short. `items` are the order's lines. */
export const InventoryUnavailable = defineEvent({
  type: 'InventoryUnavailable',
  version: 1,
  exchange: EXCHANGES.inventory,
  routingKey: 'inventory.unavailable',
  schema: Type.Object(
    {
      orderId: ShortText,
      items: Type.Array(OrderItem),
      shortages: Type.Array(Shortage, { minItems: 1 }),
    },
    { description: 'Nothing is set aside for an order, because at least one product is short.' },
  ),
});

/** The stock reserved for an order is free again, because the order was cancelled. `released` has each product once. */
export const InventoryReleased = defineEvent({
  type: 'InventoryReleased',
  version: 1,
  exchange: EXCHANGES.inventory,
  routingKey: 'inventory.released',
  schema: Type.Object(
    { orderId: ShortText, released: Type.Array(ProductQuantity, { minItems: 1 }) },
    { description: 'What was set aside for a cancelled order is free again. Each product stands once.' },
  ),
});

/** A command, not an event: put this many pieces into stock. Sent by `warren stock receive` to the inventory service. */
export const ReceiveStock = defineEvent({
  type: 'ReceiveStock',
  version: 1,
  exchange: EXCHANGES.inventory,
  routingKey: 'inventory.receive',
  schema: Type.Object(
    { productId: ShortText, quantity: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }) },
    { description: 'A command: put so many pieces of a product into stock.' },
  ),
});
