import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCredentials } from './credentials.mjs';
import { ExplainedError } from './explained-error.mjs';
import { ROOT } from './paths.mjs';
import { findFreePort } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { prepare } from './prepare.mjs';
import { chooseBrokerSource } from './rabbitmq.mjs';
import { findLeftovers, processesOf } from './run-leftovers.mjs';
import { withoutServiceSettings } from './service-settings.mjs';

/** In the environment of every process of a run, so that the run finds what it has forgotten. */
const MARKER = 'WARREN_TEST_RUN';

/**
 * Runs the suites against a broker and a database of their own, on private ports, with data that is removed afterwards.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} context
 * @param {string[]} jestArguments
 * @returns {Promise<number>} jest's exit code; 1 when a process or a port of the run is left
 */
export async function runTests({ env: given, report, signal, onEnd }, jestArguments) {
  await prepare({ report, signal });
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'warren-test-')));
  onEnd(async () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  const ports = {
    postgres: await findFreePort(),
    amqp: await findFreePort(),
    management: await findFreePort(),
    distribution: await findFreePort(),
    epmd: await findFreePort(),
  };
  const run = { marker: `${MARKER}=${directory}`, directory, ports: Object.values(ports) };
  // Registered before what it looks at is started, so that it comes last; the directory alone is removed after it.
  onEnd(() => leaveNothing(run));
  const env = withoutServiceSettings({ ...given, [MARKER]: directory, WARREN_TEST_DIR: directory });
  const [broker, databaseUrl] = await startInfrastructure({ env, report, signal, onEnd, directory, ports });
  return runJest(jestArguments, {
    signal,
    env: {
      ...env,
      WARREN_TEST_AMQP_URL: broker.amqpUrl,
      WARREN_TEST_MANAGEMENT_URL: broker.managementUrl,
      WARREN_TEST_DATABASE_URL: databaseUrl,
    },
  });
}

/** A run that has forgotten something has failed; it does not leave it to the machine either. @param {{marker: string, directory: string, ports: number[]}} run */
async function leaveNothing(run) {
  const leftovers = await findLeftovers(run);
  if (leftovers.length === 0) return;
  for (const { pid } of processesOf(run.marker, run.directory)) process.kill(pid, 'SIGKILL');
  throw new ExplainedError(`The test run has left something behind:\n${leftovers.join('\n')}`);
}

/**
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report, directory: string, ports: Record<'postgres' | 'amqp' | 'management' | 'distribution' | 'epmd', number>}} options
 * @returns {Promise<[import('./rabbitmq.mjs').Broker, string]>}
 */
async function startInfrastructure({ env, report, signal, onEnd, directory, ports }) {
  const { id, broker: login, databasePassword } = createCredentials();
  const source = await chooseBrokerSource({ env, report, signal });
  onEnd(() => source.discard(id));
  const postgresOptions = {
    dataDir: join(directory, 'postgres'),
    password: databasePassword,
    logFile: join(directory, 'postgres.log'),
    port: ports.postgres,
    durable: false,
    env,
    signal,
  };
  return report.step('Starting a RabbitMQ and a Postgres for the tests', async () => {
    const broker = source.start({ dataDir: join(directory, 'rabbitmq'), id, ports, login, quick: true, env, signal });
    const postgres = startPostgres(postgresOptions);
    // Their data is thrown away, so nothing is lost by ending them at once.
    const started = [broker.then(({ kill }) => onEnd(kill)), postgres.then(({ child }) => onEnd(child.kill))];
    // Both must have come to an end before a failure is told, else one would come up after we have stopped.
    await Promise.allSettled(started);
    return [await broker, (await postgres).url];
  });
}

/**
 * In our own process group, so that jest's watch mode can read the terminal.
 * @param {string[]} args @param {{env: NodeJS.ProcessEnv, signal: AbortSignal}} options @returns {Promise<number>}
 */
async function runJest(args, { env, signal }) {
  signal.throwIfAborted();
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const child = spawn(process.execPath, ['--experimental-vm-modules', '--no-warnings', jest, ...args], {
    cwd: ROOT,
    env,
    stdio: 'inherit',
  });
  const interrupt = () => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  };
  signal.addEventListener('abort', interrupt, { once: true });
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  signal.throwIfAborted();
  return code ?? 1;
}
