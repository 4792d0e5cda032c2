import type { StoreWork } from '@warren/event-store';
import { type Static, Type } from 'typebox';

/** A range of whole minutes; `to` is exclusive. */
export interface Window {
  from: Date;
  to: Date;
}

/** The figures of a period. */
const Figures = Type.Object({
  /** Events of any type, except those of this service. */
  events: Type.Integer(),
  byType: Type.Record(Type.String(), Type.Integer()),
  orders: Type.Object({ created: Type.Integer(), confirmed: Type.Integer(), cancelled: Type.Integer() }),
  /** By currency (ISO 4217): the sum of the totals of orders that were confirmed in that time and still are. Sums of 0 are left out. */
  revenue: Type.Record(Type.String(), Type.Number()),
  /** The share of ended orders that were confirmed, 0 to 1; null when none has ended. */
  confirmationRate: Type.Union([Type.Number(), Type.Null()]),
  /** Milliseconds from creation to the first end, of the orders that ended; null when none has. Accurate to within 2 %. */
  latencyMs: Type.Union([
    Type.Object({ count: Type.Integer(), p50: Type.Number(), p95: Type.Number(), p99: Type.Number() }),
    Type.Null(),
  ]),
});
export type Figures = Static<typeof Figures>;

export const Summary = Type.Object({ from: Type.String(), to: Type.String(), ...Figures.properties });
export type Summary = Static<typeof Summary>;

export const MinuteFigures = Type.Object({ minute: Type.String(), ...Figures.properties });
export type MinuteFigures = Static<typeof MinuteFigures>;

export const ProductFigures = Type.Object({
  productId: Type.String(),
  /** Pieces in confirmed orders. */
  quantity: Type.Integer(),
  /** Confirmed orders that contain the product. */
  orders: Type.Integer(),
});
export type ProductFigures = Static<typeof ProductFigures>;

/** Queries on the figures of the live read model. */
export interface FigureQueries {
  /** @param tx a transaction in which the live read model cannot change; by default a new one */
  summary(window: Window, tx?: StoreWork): Promise<Summary>;
  /** Minutes with at least one event, newest first. */
  minutes(window: Window & { limit: number }): Promise<MinuteFigures[]>;
  /** The best-selling products, by quantity. */
  products(limit: number): Promise<ProductFigures[]>;
}
