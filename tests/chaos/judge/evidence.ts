import type { ReceivedMail } from '@warren/testing';
import type { ClientRecord, OrderLine } from '../load/client-record.ts';
import type { ServiceName } from '../system/service-instance.ts';

/** An event of a service's log. */
export interface LoggedEvent {
  id: string;
  stream: string;
  version: number;
  type: string;
  /** Whether the relay has to publish it. */
  published: boolean;
  /** Who cancelled the order, for an OrderCancelled. */
  by?: string | null;
  /** Why a mail is not sent, for a MailDropped. */
  why?: string | null;
  /** Whether it lies in the archive. @default false */
  archived?: boolean;
  /** When it was recorded, in milliseconds since 1970. */
  recordedAt: number;
}

export interface StockLevel {
  productId: string;
  available: number;
  reserved: number;
  /** Sum of the ledger. */
  ledger: number;
}

export interface DeadLetter {
  queue: string;
  messageId: string;
  /** SHA-256 of the body. */
  digest: string;
  /** Why it is there: the bus's own reason, or the broker's. */
  reason: string;
  /** Its headers, for the report. */
  headers: string;
}

/** An order as its service knows it. */
export interface StoredOrder {
  id: string;
  status: string;
  items: readonly OrderLine[];
  /** Its total; null where a line has no price. */
  cents: number | null;
  /** Null, as `fulfillmentStatus`, where no payments are taken. */
  paymentStatus: string | null;
  fulfillmentStatus: string | null;
}

/** An entry in the books of the built-in gateway. */
export interface Booking {
  /** The idempotency key. */
  key: string;
  orderId: string;
  kind: 'charge' | 'decline' | 'refund';
  cents: number;
  /** How often it was asked for. */
  calls: number;
}

/** How many orders, and the total of those confirmed. */
export interface OrderFigures {
  created: number;
  confirmed: number;
  cancelled: number;
  cents: number;
}

/** What the analytics service knows of one order. */
export interface OrderFact {
  orderId: string;
  created: boolean;
  /** Whether it ever was. */
  confirmed: boolean;
  cancelled: boolean;
  cents: number | null;
}

/** A time in which the observer was off the exchanges, and the stream of all events too, in milliseconds since 1970. */
export interface BlindSpell {
  from: number;
  to: number;
}

/** A time in which the broker was down, in milliseconds since 1970; it was back later than that. */
export interface Outage {
  from: number;
  to: number;
}

/** Everything that the promises are judged by, after the quiet. */
export interface Evidence {
  record: ClientRecord;
  initialStock: ReadonlyMap<string, number>;
  /** The services that ran. */
  running: ReadonlySet<ServiceName>;
  orders: readonly StoredOrder[];
  events: readonly LoggedEvent[];
  levels: readonly StockLevel[];
  reservations: readonly { orderId: string; productId: string; quantity: number }[];
  /** Ledger entries of orders: what they took is below 0, what they gave back above. */
  movements: readonly { orderId: string; productId: string; kind: 'reserved' | 'released'; delta: number }[];
  receipts: readonly { messageId: string; productId: string; quantity: number }[];
  /** What the inboxes hold: messages that a consumer, which is a queue or `analytics`, has handled. */
  handled: readonly { messageId: string; consumer: string }[];
  bookings: readonly Booking[];
  users: readonly { id: string; email: string; status: string }[];
  /** What the mail server has taken, in its order. */
  mails: readonly ReceivedMail[];
  /** When a process of the notification service ended, in milliseconds since 1970. */
  notificationEnds: readonly number[];
  facts: readonly OrderFact[];
  /** One row, where the analytics service ran. */
  figures: readonly OrderFigures[];
  /** Message ids in the order of their first appearance on the exchanges. */
  firstSeen: ReadonlyMap<string, number>;
  /** When that was, in milliseconds since 1970. */
  seenAt: ReadonlyMap<string, number>;
  /** The event types of the messages in `firstSeen`. */
  types: ReadonlyMap<string, string>;
  /** Ids of messages whose place in `firstSeen` tells nothing: the observer had lost them once. */
  seenLate: ReadonlySet<string>;
  /** When the broker was certainly away. */
  outages: readonly Outage[];
  /** How long the inventory has for its answer, in milliseconds. */
  deadlineMs: number;
  blindSpells: readonly BlindSpell[];
  deadLetters: readonly DeadLetter[];
  /** Messages by queue, dead-letter queues and streams left out. */
  leftInQueues: readonly { queue: string; messages: number }[];
  /** Log lines of errors that the services' own code declares impossible. */
  faultsLogged: readonly string[];
}
