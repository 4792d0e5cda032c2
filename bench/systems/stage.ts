import {
  amqpPublishes,
  createTcpProxy,
  createTestVhost,
  postgresRoundTrips,
  startTestBroker,
  startTestPostgres,
  type TcpProxy,
  type TestBroker,
  type TestPostgres,
} from '@warren/testing';
import pg from 'pg';
import type { BenchContext } from '../harness/bench-context.ts';
import { type Load, startLoad } from '../load/start-load.ts';
import { startBaseline } from './baseline-system.ts';
import { startExpressAlone } from './express-alone.ts';
import { startFloor } from './floor-system.ts';
import type { OrderSystem } from './order-system.ts';
import { startWarren, type WarrenOptions } from './warren-system.ts';

/** What a part needs: a broker, a durable database and a source of load of its own; systems are started on it. */
export interface Stage {
  broker: TestBroker;
  postgres: TestPostgres;
  load: Load;
  /** Starts Warren. */
  warren(options?: Place & Pick<WarrenOptions, 'instances' | 'sheds'>): Promise<OrderSystem>;
  /** Creates another empty database; returns its URL. */
  createDatabase(name: string): Promise<string>;
  baseline(): Promise<OrderSystem>;
  /** Starts the floor. */
  floor(options?: Place): Promise<OrderSystem>;
  /** Makes a way to the servers that counts what its user sends. */
  wire(): Promise<Wire>;
  /** Starts Express with nothing behind it. */
  expressAlone(): Promise<OrderSystem>;
}

/** Where a system is put. */
export interface Place {
  /** @default the empty database of the stage */
  databaseUrl?: string;
  /** @default straight to the servers */
  wire?: Wire;
}

/** Counts round trips and publishes, which costs time: not for runs that are timed. */
export interface Wire {
  database: TcpProxy;
  broker: TcpProxy;
  close(): Promise<void>;
}

/** Sets the stage, runs the work and clears everything away, whatever happens. */
export async function withStage<Result>(
  { signal, profileTo }: BenchContext,
  work: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const undo: (() => Promise<unknown>)[] = [];
  const keep = async <Part extends { close(): Promise<unknown> }>(part: Promise<Part>): Promise<Part> => {
    const one = await part;
    undo.push(() => one.close());
    signal.throwIfAborted();
    return one;
  };
  try {
    const broker = await keep(startTestBroker({ quick: false }));
    const postgres = await keep(startTestPostgres({ durable: true }));
    const load = await keep(startLoad());
    // Each system has the articles' names of queues for itself.
    const vhost = async () => (await createTestVhost(broker)).amqpUrl;
    const urlsOf = async ({ databaseUrl = postgres.url, wire }: Place = {}) => {
      const amqpUrl = await vhost();
      if (!wire) return { amqpUrl, databaseUrl };
      return { amqpUrl: wire.broker.through(amqpUrl), databaseUrl: wire.database.through(databaseUrl) };
    };
    return await work({
      broker,
      postgres,
      load,
      warren: async (options) => keep(startWarren({ ...options, ...(await urlsOf(options)), profileTo })),
      createDatabase: (name) => createDatabase(postgres.url, name),
      floor: async (place) => keep(startFloor({ ...(await urlsOf(place)), profileTo })),
      wire: () => keep(openWire(broker.amqpUrl, postgres.url)),
      baseline: async () => keep(startBaseline({ amqpUrl: await vhost() })),
      expressAlone: () => keep(startExpressAlone()),
    });
  } finally {
    for (const step of undo.toReversed()) await step();
  }
}

async function openWire(amqpUrl: string, databaseUrl: string): Promise<Wire> {
  const broker = await createTcpProxy(amqpUrl, { counts: amqpPublishes });
  const database = await createTcpProxy(databaseUrl, { counts: postgresRoundTrips });
  return { broker, database, close: async () => void (await Promise.all([broker.close(), database.close()])) };
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  return new URL(`/${name}`, serverUrl).href;
}
