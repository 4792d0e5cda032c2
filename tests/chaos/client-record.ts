/** What the client was promised and what it asked for: the truth that the databases are compared with. */
export interface ClientRecord {
  /** Orders answered 201, by id, with the lines that were sent. */
  accepted: Map<string, readonly OrderLine[]>;
  /** The ids of the orders that each Idempotency-Key was answered with. */
  idsByKey: Map<string, Set<string>>;
  /** Pieces received into stock by confirmed `ReceiveStock` messages, by message id. */
  receipts: Map<string, OrderLine>;
  /** Messages that no service can handle, by message id. */
  poison: Map<string, Poison>;
  /** How requests for new orders ended: by status, or `no answer`. */
  answers: Map<string, number>;
  /** How long each request for a new order took until its answer, in milliseconds, in the order of the answers. */
  latenciesMs: number[];
}

export interface OrderLine {
  productId: string;
  quantity: number;
}

/** A message that must end among the dead letters of the queue, byte for byte. */
export interface Poison {
  queue: string;
  /** SHA-256 of the body. */
  digest: string;
}

export function createClientRecord(): ClientRecord {
  return {
    accepted: new Map(),
    idsByKey: new Map(),
    receipts: new Map(),
    poison: new Map(),
    answers: new Map(),
    latenciesMs: [],
  };
}
