import { join } from 'node:path';
import { findFreePort, startPostgres } from '@warren/servers';
import { createTestDirectory } from './test-directory.ts';

/** A database server for one test, which the test may stop, kill and restart. Its URL and data stay the same. */
export interface TestPostgres {
  /** URL of an empty database, whose user may create further databases. */
  url: string;
  /** Process id of the running server. */
  readonly pid: number;
  /** Starts the server after `stop` or `kill`; resolves when it accepts connections. */
  start(): Promise<void>;
  /** Shuts the server down gracefully: ends every connection, then writes a checkpoint. */
  stop(): Promise<void>;
  /** Ends the server at once, like a crash (SIGKILL). Committed data is there after the next start. */
  kill(): Promise<void>;
  /** Ends the server for good and removes its data. Safe to call twice. */
  close(): Promise<void>;
}

export interface TestPostgresOptions {
  /** Whether to write with fsync, as in production. Slower and useless for most tests: an ended process loses nothing without it. @default false */
  durable?: boolean;
}

/** Starts a Postgres server separate from the server of the run, the same way as `npm start`. It ends with the test process at the latest. */
export async function startTestPostgres({ durable = false }: TestPostgresOptions = {}): Promise<TestPostgres> {
  const directory = await createTestDirectory('postgres');
  const port = await findFreePort();
  const start = () =>
    startPostgres({
      dataDir: join(directory.path, 'data'),
      password: 'warren',
      logFile: join(directory.path, 'postgres.log'),
      port,
      durable,
      env: process.env,
    });
  let server = await start();
  return {
    url: server.url,
    get pid() {
      return server.child.pid;
    },
    async start() {
      server = await start();
    },
    async stop() {
      await server.child.stop();
    },
    async kill() {
      await server.child.kill();
    },
    async close() {
      await server.child.kill();
      await directory.remove();
    },
  };
}
