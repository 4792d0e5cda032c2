import { createHash } from 'node:crypto';
import { deadLetterQueue, SYSTEM_QUEUES } from '@warren/contracts';
import { HEADERS } from '@warren/event-bus';
import pg from 'pg';
import type { ChaosSystem } from './chaos-system.ts';
import type { ClientRecord, OrderLine } from './client-record.ts';

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

/** A time in which the observer was off the exchanges, in milliseconds since 1970. */
export interface BlindSpell {
  from: number;
  to: number;
}

/** Everything that the promises are judged by, after the quiet. */
export interface Evidence {
  record: ClientRecord;
  initialStock: ReadonlyMap<string, number>;
  orders: readonly { id: string; status: string; items: readonly OrderLine[] }[];
  events: readonly LoggedEvent[];
  levels: readonly StockLevel[];
  reservations: readonly { orderId: string; productId: string; quantity: number }[];
  /** Ledger entries of orders: what they took is below 0, what they gave back above. */
  movements: readonly { orderId: string; productId: string; kind: 'reserved' | 'released'; delta: number }[];
  receipts: readonly { messageId: string; productId: string; quantity: number }[];
  /** What the inboxes hold: messages that a consumer has handled. */
  handled: readonly { messageId: string }[];
  /** Message ids in the order of their first appearance on the exchanges. */
  firstSeen: ReadonlyMap<string, number>;
  blindSpells: readonly BlindSpell[];
  deadLetters: readonly DeadLetter[];
  /** Messages by queue, dead-letter queues left out. */
  leftInQueues: readonly { queue: string; messages: number }[];
  /** Log lines of errors that the services' own code declares impossible. */
  faultsLogged: readonly string[];
}

const EVENTS = `event_id AS id, stream_id AS stream, stream_version AS version, type, routing_key IS NOT NULL AS published, data->>'by' AS by,
  (extract(epoch FROM recorded_at) * 1000)::float8 AS "recordedAt"`;

const QUERIES = {
  orders: 'SELECT id, status, items FROM order_service.orders',
  // In one statement: events go to the archive at any moment.
  events: ['order_service', 'inventory_service']
    .flatMap((schema) => [
      `SELECT ${EVENTS}, false AS archived FROM ${schema}.events`,
      `SELECT ${EVENTS}, true FROM ${schema}.archived_events`,
    ])
    .join(' UNION ALL '),
  levels: `SELECT product_id AS "productId", available::int, reserved::int, coalesce((SELECT sum(delta)
    FROM inventory_service.stock_ledger e WHERE e.product_id = l.product_id), 0)::int AS ledger FROM inventory_service.stock_level l`,
  reservations:
    'SELECT order_id AS "orderId", product_id AS "productId", quantity::int FROM inventory_service.reservation',
  movements: `SELECT order_id AS "orderId", product_id AS "productId", kind, delta::int FROM inventory_service.stock_ledger
    WHERE kind IN ('reserved', 'released')`,
  handled: `SELECT message_id AS "messageId" FROM order_service.inbox
    UNION ALL SELECT message_id FROM inventory_service.inbox`,
  receipts: `SELECT message_id AS "messageId", product_id AS "productId", delta::int AS quantity
    FROM inventory_service.stock_ledger WHERE kind = 'received'`,
};

export interface EvidenceOptions {
  system: ChaosSystem;
  record: ClientRecord;
  initialStock: ReadonlyMap<string, number>;
  blindSpells: readonly BlindSpell[];
}

/** Gathers the evidence. Empties the dead-letter queues. */
export async function gatherEvidence({
  system,
  record,
  initialStock,
  blindSpells,
}: EvidenceOptions): Promise<Evidence> {
  const { observer, management, postgres, services } = system;
  const queues = await management.queues();
  const deadLetters = await drainDeadLetters(system);
  const tables = await readTables(postgres.url);
  return {
    ...tables,
    record,
    initialStock,
    firstSeen: observer.firstSeen,
    blindSpells,
    deadLetters,
    leftInQueues: queues
      .filter(({ name }) => !name.endsWith(deadLetterQueue('')))
      .map(({ name, messages = 0 }) => ({ queue: name, messages })),
    faultsLogged: services.flatMap(({ name, process }) =>
      process.output.filter(tellsOfFault).map((line) => `${name}: ${line}`),
    ),
  };
}

/** Poison that fails as a fault is none of these: its errors are `invalid` and `not-found`. */
function tellsOfFault(line: string): boolean {
  return /"code":"(STOCK_LEVEL_MISMATCH|UNEXPECTED|DATABASE_FAULT|TOPOLOGY_REFUSED)"|uncaught exception/.test(line);
}

type Tables = Pick<Evidence, keyof typeof QUERIES>;

async function readTables(url: string): Promise<Tables> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const tables: Record<string, unknown[]> = {};
    for (const [name, text] of Object.entries(QUERIES)) tables[name] = (await client.query(text)).rows;
    return tables as unknown as Tables;
  } finally {
    await client.end();
  }
}

async function drainDeadLetters({ observer }: ChaosSystem): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (const { queue } of SYSTEM_QUEUES) {
    for (const { properties, content } of await observer.drain(deadLetterQueue(queue))) {
      const { messageId, headers = {} } = properties;
      letters.push({
        queue,
        messageId: String(messageId),
        digest: digestOf(content),
        reason: String(headers[HEADERS.reason] ?? headers['x-first-death-reason']),
        headers: JSON.stringify(headers).slice(0, 400),
      });
    }
  }
  return letters;
}

export function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
