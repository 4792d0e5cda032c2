import type { StoreTransaction } from '@warren/event-store';

/** Whole minutes, the first included, the last not. */
export interface Window {
  from: Date;
  to: Date;
}

/** What happened in some time. */
export interface Figures {
  /** Events of any type, but not those of this service. */
  events: number;
  byType: Record<string, number>;
  orders: { created: number; confirmed: number; cancelled: number };
  /** By currency (ISO 4217): sum of the totals of the orders that were confirmed in that time, and are still. Only what is not 0. */
  revenue: Record<string, number>;
  /** Of the orders that ended, how many were confirmed: 0 to 1; null when none has ended. */
  confirmationRate: number | null;
  /** From creation to the first end, of the orders that ended; null when none has. Right to within 2 %. */
  latencyMs: { count: number; p50: number; p95: number; p99: number } | null;
}

export type Summary = { from: string; to: string } & Figures;
export type MinuteFigures = { minute: string } & Figures;

export interface ProductFigures {
  productId: string;
  /** Pieces in confirmed orders. */
  quantity: number;
  /** Confirmed orders with it. */
  orders: number;
}

/** The figures as they are asked for; always those of the live read model. */
export interface FigureQueries {
  /** @param tx a transaction in which the live read model cannot change; without it, one of its own. */
  summary(window: Window, tx?: StoreTransaction): Promise<Summary>;
  /** Minutes in which something happened, the newest first. */
  minutes(window: Window & { limit: number }): Promise<MinuteFigures[]>;
  /** The products of which most was sold. */
  products(limit: number): Promise<ProductFigures[]>;
}
