import type { StoreTransaction } from '@warren/event-store';

type Tx = Pick<StoreTransaction, 'query'>;

/** The payments that the gateway has yet to answer: what the cashier works off. Written in the transaction that appends. */
export interface OpenPayments {
  /** The gateway is to be asked from now on. */
  open(tx: Tx, orderIds: readonly string[]): Promise<void>;
  /** The gateway has answered. */
  close(tx: Tx, orderIds: readonly string[]): Promise<void>;
  /** The orders whose time it is, the longest due first; at most `limit`, and none of `except`. */
  listDue(selection: { limit: number; except: readonly string[] }): Promise<string[]>;
  /** The gateway gave no answer: it is asked again later, twice as late as the time before. */
  postpone(orderId: string): Promise<void>;
  /** How long the gateway has not answered the oldest of them, in seconds; 0 when there is none. */
  oldestAgeSeconds(): Promise<number>;
}
