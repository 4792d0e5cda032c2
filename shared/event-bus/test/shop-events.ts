import { createCatalogue, createEvent, defineEvent, type EventOf } from '@warren/contracts';
import { Type } from 'typebox';

/** Contracts of a small shop, for the bus's own tests. */
export const Placed = defineEvent({
  type: 'Placed',
  version: 1,
  exchange: 'shop',
  routingKey: 'shop.placed',
  schema: Type.Object({ pieces: Type.Integer({ minimum: 1 }) }),
});

export const PlacedV2 = defineEvent({
  type: 'Placed',
  version: 2,
  exchange: 'shop',
  routingKey: 'shop.placed',
  schema: Type.Object({ lines: Type.Array(Type.String()) }),
});

export const Renamed = defineEvent({
  type: 'Renamed',
  version: 1,
  exchange: 'shop',
  routingKey: 'shop.renamed',
  schema: Type.Object({ name: Type.String() }),
});

export const shopCatalogue = createCatalogue([Placed, PlacedV2, Renamed]);
export type ShopContract = typeof Placed | typeof PlacedV2 | typeof Renamed;

export function placed(pieces = 1, more: { id?: string; correlationId?: string } = {}): EventOf<typeof Placed> {
  return createEvent(Placed, { aggregateId: `shop-${pieces}`, data: { pieces }, source: 'shop', ...more });
}

export function placedV2(...lines: string[]): EventOf<typeof PlacedV2> {
  return createEvent(PlacedV2, { aggregateId: 'shop-2', data: { lines }, source: 'shop' });
}

export function renamed(name: string): EventOf<typeof Renamed> {
  return createEvent(Renamed, { aggregateId: 'shop-3', data: { name }, source: 'shop' });
}
