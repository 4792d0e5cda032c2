import { join } from 'node:path';
import { chooseBrokerSource, containerName, findFreePort, startPostgres } from '../../shared/servers/src/index.mjs';
import { checkBroker, checkDatabase } from './external-services.mjs';
import { keepRunning } from './keep-running.mjs';

const AMQP_PORT = 5672;
const MANAGEMENT_PORT = 15_672;
const POSTGRES_PORT = 5432;

/**
 * Provides the broker of `npm start`: that of AMQP_URL, or its own, which is kept running.
 * @param {import('./start.mjs').StartContext} context
 * @returns {Promise<{amqpUrl: string, managementUrl?: string}>}
 */
export async function startBroker(context) {
  const { env, report, signal, files, credentials, state, onEnd } = context;
  const external = env.AMQP_URL?.trim();
  if (external) {
    await report.step('Checking the broker of AMQP_URL', () => checkBroker(external));
    return { amqpUrl: external };
  }
  const source = await chooseBrokerSource({ env, report, signal });
  const ports = {
    amqp: await findFreePort(AMQP_PORT),
    management: await findFreePort(MANAGEMENT_PORT),
    distribution: await findFreePort(),
    epmd: await findFreePort(),
  };
  if (source.kind === 'docker') state.update({ containers: [containerName(files.rabbitmq)] });
  const options = {
    dataDir: files.rabbitmq,
    id: credentials.id,
    ports,
    login: credentials.broker,
    env,
    onStarted: state.addProcess,
  };
  const title = `Starting RabbitMQ on port ${ports.amqp}, its management UI on ${ports.management}`;
  const first = await report.step(title, () => source.start({ ...options, signal }));
  for (const [wanted, got] of [
    [AMQP_PORT, ports.amqp],
    [MANAGEMENT_PORT, ports.management],
  ]) {
    if (wanted !== got) report.say(`  Port ${wanted} is taken by another program, so RabbitMQ has ${got}.`);
  }
  const kept = keepRunning({
    name: 'RabbitMQ',
    first,
    start: (stop) => source.start({ ...options, signal: stop }),
    report,
  });
  onEnd(() => report.step('Stopping RabbitMQ', kept.stop));
  return { amqpUrl: first.amqpUrl, managementUrl: first.managementUrl };
}

/**
 * Provides the database of `npm start`: that of DATABASE_URL, or its own, which is kept running.
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
