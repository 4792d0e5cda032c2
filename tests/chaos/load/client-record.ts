/** What the client requested and was promised: the reference for the contents of the databases. */
export interface ClientRecord {
  /** Orders answered 201, by id, with the lines that were sent. */
  accepted: Map<string, readonly OrderLine[]>;
  /** The ids of the orders that each Idempotency-Key was answered with. */
  idsByKey: Map<string, Set<string>>;
  /** Orders whose cancellation was answered 200. */
  cancelled: Set<string>;
  /** Orders whose shipping was answered 200. */
  shipped: Set<string>;
  /** Orders answered 201 that the service did not know when they were to be cancelled or shipped. */
  denied: Set<string>;
  /** Users whose registration was answered 201: their e-mail addresses by id. */
  users: Map<string, string>;
  /** Messages that another consumer may have taken, as `<queue> <id>`: their intended consumers need not have seen them. */
  taken: Set<string>;
  /** Pieces received into stock by confirmed `ReceiveStock` messages, by message id. */
  receipts: Map<string, OrderLine>;
  /** Messages that no service can handle, by message id. */
  poison: Map<string, Poison>;
  /** Requests that ended without an answer, including those for cancellations, shipping and users. */
  unanswered: Unanswered[];
  /** How many requests ended how: by status, or why there was no answer; all but those for new orders behind a word: `cancel`, `ship`, `register`. */
  answers: Map<string, number>;
  /** How long each request for a new order that did not ask to wait took until its answer, in milliseconds, in the order of the answers. */
  latenciesMs: number[];
}

export interface Unanswered {
  /** URL of the service. */
  target: string;
  /** As of the service client, e.g. `refused`. */
  outcome: string;
  /** When it was sent and when it failed, in milliseconds since 1970. */
  from: number;
  to: number;
}

export interface OrderLine {
  productId: string;
  quantity: number;
  price?: number;
}

/** A message that must end among the dead letters of each of the queues, byte for byte. */
export interface Poison {
  queues: readonly string[];
  /** SHA-256 of the body. */
  digest: string;
}

export function createClientRecord(): ClientRecord {
  return {
    accepted: new Map(),
    idsByKey: new Map(),
    cancelled: new Set(),
    shipped: new Set(),
    denied: new Set(),
    users: new Map(),
    taken: new Set(),
    receipts: new Map(),
    poison: new Map(),
    unanswered: [],
    answers: new Map(),
    latenciesMs: [],
  };
}
