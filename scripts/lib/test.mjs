import { join } from 'node:path';
import { chooseBrokerSource, createCredentials, findFreePort, startPostgres } from '../../shared/servers/src/index.mjs';
import { ROOT } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { beginPrivateRun, runNode } from './private-run.mjs';

/**
 * Runs the suites against their own broker and database, on private ports, with data that is removed afterwards.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} context
 * @param {string[]} jestArguments
 * @returns {Promise<number>} jest's exit code; 1 when a process or a port of the run is left
 */
export async function runTests({ env: given, report, signal, onEnd }, jestArguments) {
  await prepare({ report, signal });
  const ports = {
    postgres: await findFreePort(),
    amqp: await findFreePort(),
    management: await findFreePort(),
    distribution: await findFreePort(),
    epmd: await findFreePort(),
  };
  const { directory, env } = beginPrivateRun({ env: given, ports: Object.values(ports), onEnd });
  const [broker, databaseUrl] = await startInfrastructure({ env, report, signal, onEnd, directory, ports });
  const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  return runNode(['--experimental-vm-modules', '--no-warnings', jest, ...jestArguments], {
    signal,
    env: {
      ...env,
      WARREN_TEST_AMQP_URL: broker.amqpUrl,
      WARREN_TEST_MANAGEMENT_URL: broker.managementUrl,
      WARREN_TEST_DATABASE_URL: databaseUrl,
    },
  });
}

/**
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report, directory: string, ports: Record<'postgres' | 'amqp' | 'management' | 'distribution' | 'epmd', number>}} options
 * @returns {Promise<[import('../../shared/servers/src/index.mjs').Broker, string]>}
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
    // Their data is discarded, so it is safe to kill them.
    const started = [broker.then(({ kill }) => onEnd(kill)), postgres.then(({ child }) => onEnd(child.kill))];
    // Both must have settled before a failure is reported, or else one could come up after we have stopped.
    await Promise.allSettled(started);
    return [await broker, (await postgres).url];
  });
}
