import type { StoreWork } from '@warren/event-store';
import { type Static, Type } from 'typebox';

/** Whole minutes, the first included, the last not. */
export interface Window {
  from: Date;
  to: Date;
}

/** What happened in some time. */
const Figures = Type.Object({
  /** Events of any type, but not those of this service. */
  events: Type.Integer(),
  byType: Type.Record(Type.String(), Type.Integer()),
  orders: Type.Object({ created: Type.Integer(), confirmed: Type.Integer(), cancelled: Type.Integer() }),
  /** By currency (ISO 4217): sum of the totals of the orders that were confirmed in that time, and are still. Only what is not 0. */
  revenue: Type.Record(Type.String(), Type.Number()),
  /** Of the orders that ended, how many were confirmed: 0 to 1; null when none has ended. */
  confirmationRate: Type.Union([Type.Number(), Type.Null()]),
  /** From creation to the first end, of the orders that ended; null when none has. Right to within 2 %. */
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
  /** Confirmed orders with it. */
  orders: Type.Integer(),
});
export type ProductFigures = Static<typeof ProductFigures>;

/** The figures as they are asked for; always those of the live read model. */
export interface FigureQueries {
  /** @param tx a transaction in which the live read model cannot change; without it, one of its own. */
  summary(window: Window, tx?: StoreWork): Promise<Summary>;
  /** Minutes in which something happened, the newest first. */
  minutes(window: Window & { limit: number }): Promise<MinuteFigures[]>;
  /** The products of which most was sold. */
  products(limit: number): Promise<ProductFigures[]>;
}
