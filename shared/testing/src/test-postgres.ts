import { join } from 'node:path';
import { findFreePort, startPostgres } from '@warren/servers';
import { createTestDirectory } from './test-directory.ts';

/** A database server of a test's own, which it may stop, kill and start again. Its URL and its data stay the same all the while. */
export interface TestPostgres {
  /** An empty database, whose user may create further ones. */
  url: string;
  /** Process id of the server that runs now. */
  readonly pid: number;
  /** Starts it after `stop` or `kill`; resolves when it takes connections. */
  start(): Promise<void>;
  /** Shuts it down in good order: ends every connection, then writes a checkpoint. */
  stop(): Promise<void>;
  /** Ends it as a crash does (SIGKILL), at once. What was committed is there after the next start. */
  kill(): Promise<void>;
  /** Ends it for good and removes its data. Safe to call twice. */
  close(): Promise<void>;
}

export interface TestPostgresOptions {
  /** Writes with fsync, as in production. Slower, and of no use to a test: an ended process loses nothing without it. @default false */
  durable?: boolean;
}

/** Starts a Postgres apart from that of the run, by the same means as `npm start`. It ends with the test process at the latest. */
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
