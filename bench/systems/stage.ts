import {
  createTestVhost,
  startTestBroker,
  startTestPostgres,
  type TestBroker,
  type TestPostgres,
} from '@warren/testing';
import pg from 'pg';
import type { BenchContext } from '../harness/bench-context.ts';
import { type Load, startLoad } from '../load/start-load.ts';
import { startBaseline } from './baseline-system.ts';
import { startExpressAlone } from './express-alone.ts';
import type { OrderSystem } from './order-system.ts';
import { startWarren, type WarrenOptions } from './warren-system.ts';

/** What a part needs: a broker, a durable database and a source of load of its own; systems are started on it. */
export interface Stage {
  broker: TestBroker;
  postgres: TestPostgres;
  load: Load;
  /** Starts Warren. `databaseUrl` default: the empty database of the stage. */
  warren(options?: Partial<Pick<WarrenOptions, 'databaseUrl' | 'instances'>>): Promise<OrderSystem>;
  /** Makes another empty database; gives its URL. */
  createDatabase(name: string): Promise<string>;
  baseline(): Promise<OrderSystem>;
  /** Starts Express with nothing behind it. */
  expressAlone(): Promise<OrderSystem>;
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
    return await work({
      broker,
      postgres,
      load,
      warren: async (options) =>
        keep(startWarren({ amqpUrl: await vhost(), databaseUrl: postgres.url, profileTo, ...options })),
      createDatabase: (name) => createDatabase(postgres.url, name),
      baseline: async () => keep(startBaseline({ amqpUrl: await vhost() })),
      expressAlone: () => keep(startExpressAlone()),
    });
  } finally {
    for (const step of undo.toReversed()) await step();
  }
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
