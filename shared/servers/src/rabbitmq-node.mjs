import { dirname, join } from 'node:path';
import { startChild } from './child.mjs';
import { ExplainedError } from './explained-error.mjs';
import { tailOf } from './log-tail.mjs';
import { poll } from './poll.mjs';
import { isBrokerReady, managementUrl } from './rabbitmq-api.mjs';
import { nodeEnvironment, writeNodeFiles } from './rabbitmq-files.mjs';
import { pathWith } from './rabbitmq-programs.mjs';
import { runCommand } from './run-command.mjs';

const START_TIMEOUT_MS = 120_000;

/**
 * Starts a RabbitMQ node that is independent of any other on this machine, and waits until it accepts connections. It has its own name, ports,
 * directories, cookie and epmd (Erlang's name server), all on loopback only.
 * @param {import('./rabbitmq.mjs').BrokerOptions & {programs: {server: string, epmd: string}}} options `programs`: see `locateRabbitmq`
 * @returns {Promise<import('./rabbitmq.mjs').Broker>}
 */
export async function startRabbitmqNode(options) {
  const { programs, dataDir, ports, login, signal, onStarted } = options;
  signal?.throwIfAborted();
  writeNodeFiles(options);
  const env = { ...nodeEnvironment(options.env, options), PATH: pathWith(programs.epmd, options.env) };
  const bootLog = join(dataDir, 'log', 'boot.log');
  // In the foreground. Erlang would start epmd as a daemon, which would never end.
  const epmd = await startChild({
    name: 'epmd',
    command: programs.epmd,
    args: ['-port', String(ports.epmd), '-address', '127.0.0.1'],
    env,
    logFile: bootLog,
  });
  onStarted?.(epmd);
  const child = await startChild({
    name: 'rabbitmq',
    command: programs.server,
    env,
    cwd: dataDir,
    logFile: bootLog,
    stopTimeoutMs: 30_000,
  });
  onStarted?.(child);

  const stop = async () => {
    await child.stop();
    await epmd.kill();
  };
  const kill = async () => {
    await Promise.all([child.kill(), epmd.kill()]);
  };
  child.exited.then(() => epmd.kill());
  const api = { url: `http://127.0.0.1:${ports.management}`, login };
  try {
    await waitUntilReady(child, { api, amqpPort: ports.amqp, dataDir, signal });
  } catch (error) {
    // Nothing uses the node yet, so there is nothing to wait for.
    await kill();
    throw error;
  }
  return {
    amqpUrl: `amqp://${login.user}:${login.password}@127.0.0.1:${ports.amqp}`,
    managementUrl: managementUrl(api),
    child,
    stop,
    kill,
    control: (args) => control(programs.server, args, env),
  };
}

/**
 * Runs `rabbitmqctl`, which is next to the start script.
 * @param {string} server @param {string[]} args @param {NodeJS.ProcessEnv} env @returns {Promise<string>}
 */
async function control(server, args, env) {
  const { code, output } = await runCommand(join(dirname(server), 'rabbitmqctl'), args, { env });
  if (code !== 0) throw new ExplainedError(`rabbitmqctl ${args.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

/**
 * @param {import('./child.mjs').Child} child
 * @param {{api: import('./rabbitmq-api.mjs').ManagementApi, amqpPort: number, dataDir: string, signal?: AbortSignal}} options
 */
async function waitUntilReady(child, { api, amqpPort, dataDir, signal }) {
  const ready = await poll(async () => child.exit ?? (await isBrokerReady(api, amqpPort)), {
    timeoutMs: START_TIMEOUT_MS,
    intervalMs: 200,
    signal,
  });
  if (ready === true) return;
  const what = child.exit ? 'ended while it started' : `was not ready after ${START_TIMEOUT_MS / 1000} s`;
  const log = join(dataDir, 'log');
  throw new ExplainedError(
    `RabbitMQ ${what}. Its logs (${log}) end with:\n${tailOf(join(log, 'boot.log'))}\n${tailOf(join(log, 'rabbitmq.log'), 6)}`,
  );
}
