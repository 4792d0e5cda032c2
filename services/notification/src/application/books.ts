import type { StoreTransaction } from '@warren/event-store';

type Tx = Pick<StoreTransaction, 'query'>;

/** What one event tells of a user. What it does not tell is absent. */
export interface UserNote {
  userId: string;
  name?: string;
  email?: string;
  /** When the user had that address; of two, the later one counts. */
  emailSince?: Date;
  deactivated: boolean;
}

/** Who the recipients are. */
export interface UserBook {
  /** Takes in what events tell, each in whatever order and however often they come: what is known in the end is the same. */
  note(tx: Tx, notes: readonly UserNote[]): Promise<void>;
}

/** What one event tells of an order. */
export interface OrderNote {
  orderId: string;
  customerId?: string;
  total?: { cents: number; currency: string };
  cancelled: boolean;
  shipped: boolean;
}

/** Whose the orders are, and what their mails say. */
export interface OrderBook {
  /** As in {@link UserBook.note}. */
  note(tx: Tx, notes: readonly OrderNote[]): Promise<void>;
}
