import {
  amqpPublishes,
  createTcpProxy,
  createTestDatabase,
  createTestVhost,
  postgresRoundTrips,
  type ServiceProcess,
  startServiceProcess,
  type TcpProxy,
  type TestBroker,
  type TestVhost,
  testEnvironment,
  type WireProtocol,
  waitUntil,
} from '@warren/testing';
import pg from 'pg';

export interface OrderLine {
  productId: string;
  quantity: number;
  price?: number;
}

/** The members of an order that these suites look at. */
export interface PlacedOrder {
  id: string;
  status: 'pending' | 'confirmed' | 'cancelled';
  reason?: string;
  version: number;
}

export interface StockRow {
  product_id: string;
  available: number;
  reserved: number;
  /** Sum of the reservations that stand. */
  reservedByOrders: number;
  /** Sum of the ledger; must be `available`. */
  ledger: number;
}

/** The whole system as processes, with a virtual host and a database of its own, each reached through a proxy. */
export interface System {
  vhost: TestVhost;
  databaseUrl: string;
  /** Counts what the services publish. */
  brokerProxy: TcpProxy;
  /** Counts the round trips of the services, without those of their relays. */
  databaseProxy: TcpProxy;
  orders: ServiceProcess[];
  inventories: ServiceProcess[];
  /** Answers of any status. Goes to the first order service unless another is named. */
  post(lines: OrderLine[], options?: { headers?: Record<string, string>; to?: ServiceProcess }): Promise<Response>;
  /** Places an order that must be answered 201. */
  place(lines: OrderLine[], to?: ServiceProcess): Promise<PlacedOrder>;
  get(id: string): Promise<PlacedOrder>;
  /** The order once it is no longer pending. */
  ended(id: string): Promise<PlacedOrder>;
  /** The orders once none of them is pending, as the database has them: one look at all of them instead of many requests. */
  allEnded(orders: readonly Pick<PlacedOrder, 'id'>[]): Promise<PlacedOrder[]>;
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** What the warehouse's tables say of each product. */
  stock(): Promise<StockRow[]>;
  close(): Promise<void>;
}

export interface SystemOptions {
  orders?: number;
  inventories?: number;
  env?: Record<string, string>;
  /** A broker of the test's own. @default that of the run */
  broker?: Pick<TestBroker, 'amqpUrl' | 'managementUrl'>;
}

/** A relay polls its log and stores its cursor by the clock: the slower the machine, the more often during one order. */
const withoutRelay: WireProtocol = {
  ...postgresRoundTrips,
  isCountedConnection: (first) => !/application_name\0[^\0]* relay\0/.test(first.toString('latin1')),
};

/** Starts the system and waits until every service is ready. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { orders = 1, inventories = 1, env = {}, broker = testEnvironment() } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const vhost = await createTestVhost(broker);
    // A broker of the suite's own may be gone by then.
    if (options.broker === undefined) undo.push(() => vhost.close());
    const database = await createTestDatabase();
    undo.push(() => database.drop());
    const brokerProxy = await createTcpProxy(broker.amqpUrl, { counts: amqpPublishes });
    undo.push(() => brokerProxy.close());
    const databaseProxy = await createTcpProxy(testEnvironment().databaseUrl, { counts: withoutRelay });
    undo.push(() => databaseProxy.close());
    const admin = new pg.Pool({ connectionString: database.url, max: 2 });
    admin.on('error', () => undefined);
    undo.push(() => admin.end());

    const settings = {
      AMQP_URL: brokerProxy.through(vhost.amqpUrl),
      DATABASE_URL: databaseProxy.through(database.url),
      LOG_LEVEL: 'warn',
      // Longer than the patience of any suite: an order that ends has been handled, not timed out.
      ORDER_DEADLINE_MS: '600000',
      // How fast the machine is must not decide about a test.
      SHED_ABOVE_MS: '0',
      // That a stop keeps to ten seconds is a promise of an idle machine: `npm run chaos -- --scenario drain-under-load` judges it.
      DRAIN_TIMEOUT_MS: '60000',
      ...env,
    };
    const start = async (service: 'order' | 'inventory') => {
      const started = await startServiceProcess({ service, env: settings });
      undo.push(() => started.stop());
      return started;
    };
    const all = await Promise.all([
      ...Array.from({ length: orders }, () => start('order')),
      ...Array.from({ length: inventories }, () => start('inventory')),
    ]);
    const orderServices = all.slice(0, orders);
    const client = createClient(orderServices);
    const sql = async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      (await admin.query<Row>(text, values)).rows;
    return {
      vhost,
      databaseUrl: database.url,
      brokerProxy,
      databaseProxy,
      orders: orderServices,
      inventories: all.slice(orders),
      ...client,
      sql,
      allEnded: (placed) => allEnded(sql, placed),
      stock: () => sql<StockRow>(STOCK),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function createClient(orders: ServiceProcess[]): Pick<System, 'post' | 'place' | 'get' | 'ended'> {
  const first = orders[0]?.url ?? '';
  const post: System['post'] = (items, { headers = {}, to } = {}) =>
    fetch(`${to?.url ?? first}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ customerId: 'customer-1', items }),
    });
  const get: System['get'] = async (id) => (await (await fetch(`${first}/orders/${id}`)).json()) as PlacedOrder;
  return {
    post,
    async place(lines, to) {
      const answer = await post(lines, { to });
      if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
      return (await answer.json()) as PlacedOrder;
    },
    get,
    ended: (id) =>
      waitUntil(
        async () => {
          const order = await get(id);
          return order.status === 'confirmed' || order.status === 'cancelled' ? order : undefined;
        },
        { what: `the end of order ${id}` },
      ),
  };
}

function allEnded(sql: System['sql'], placed: Parameters<System['allEnded']>[0]): Promise<PlacedOrder[]> {
  const text = `SELECT id, status, reason, version::int FROM order_service.orders WHERE id = ANY($1) AND status <> 'pending'`;
  return waitUntil(
    async () => {
      const ended = await sql<PlacedOrder>(text, [placed.map(({ id }) => id)]);
      if (ended.length === placed.length) return ended;
      throw new Error(`${ended.length} of ${placed.length} have ended`);
    },
    { what: 'the end of every order', timeoutMs: 180_000 },
  );
}

const STOCK = `
  SELECT product_id, available::int, reserved::int,
    coalesce((SELECT sum(quantity) FROM inventory_service.reservation r WHERE r.product_id = l.product_id), 0)::int AS "reservedByOrders",
    coalesce((SELECT sum(delta) FROM inventory_service.stock_ledger e WHERE e.product_id = l.product_id), 0)::int AS ledger
  FROM inventory_service.stock_level l ORDER BY product_id`;
