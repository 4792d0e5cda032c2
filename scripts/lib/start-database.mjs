import { join } from 'node:path';
import { findFreePort, startPostgres } from '../../shared/servers/src/index.mjs';
import { checkDatabase } from './external-services.mjs';
import { keepRunning } from './keep-running.mjs';

const POSTGRES_PORT = 5432;

/**
 * The database of `npm start`: that of DATABASE_URL, or one of its own that is kept running.
 * @param {import('./start.mjs').StartContext} context
 * @returns {Promise<{databaseUrl: string}>}
 */
export async function startDatabase(context) {
  const { env, report, signal, files, credentials, state, onEnd } = context;
  const external = env.DATABASE_URL?.trim();
  if (external) {
    await report.step('Checking the database of DATABASE_URL', () => checkDatabase(external));
    return { databaseUrl: external };
  }
  const options = {
    dataDir: files.postgres,
    password: credentials.databasePassword,
    logFile: join(files.logs, 'postgres.log'),
    port: await findFreePort(POSTGRES_PORT),
    env,
    onStarted: state.addProcess,
  };
  /** @param {AbortSignal} stop */
  const start = async (stop) => {
    const { child, url } = await startPostgres({ ...options, signal: stop });
    return { child, url, stop: child.stop };
  };
  const first = await report.step(`Starting Postgres on port ${options.port}`, () => start(signal));
  const kept = keepRunning({ name: 'Postgres', first, start, report });
  onEnd(() => report.step('Stopping Postgres', kept.stop));
  return { databaseUrl: first.url };
}
