import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { startChild } from './child.mjs';
import { ExplainedError } from './explained-error.mjs';
import { tailOf } from './log-tail.mjs';
import { poll } from './poll.mjs';
import { isBrokerReady, managementUrl } from './rabbitmq-api.mjs';
import { runCommand } from './run-command.mjs';

const IMAGE = 'rabbitmq:4-management';
const ANSWER_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 120_000;

/** Whether a Docker engine answers, within a few seconds. @param {AbortSignal} [signal] */
export async function isDockerUsable(signal) {
  const limit = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  try {
    const either = signal ? AbortSignal.any([signal, limit]) : limit;
    const { code } = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'], { signal: either });
    return code === 0;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

/** The name of the container that belongs to a data directory. @param {string} dataDir */
export function containerName(dataDir) {
  return `warren-rabbitmq-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
}

/** @param {string} id */
const volumeName = (id) => `warren-rabbitmq-${id}`;

/** Removes the data of a broker that has ended. @param {string} id */
export function removeVolume(id) {
  return runCommand('docker', ['volume', 'rm', '--force', volumeName(id)]);
}

/**
 * Starts a broker in a separate container, published on loopback only, and waits until it accepts connections.
 * @param {import('./rabbitmq.mjs').BrokerOptions} options
 * @returns {Promise<import('./rabbitmq.mjs').Broker>}
 */
export async function startRabbitmqContainer({ dataDir, ports, login, id, env, signal, onStarted }) {
  const name = containerName(dataDir);
  const logFile = join(dataDir, 'log', 'docker.log');
  const remove = () => spawnSync('docker', ['rm', '--force', name], { stdio: 'ignore' });
  remove();
  const { code, output } = await runCommand('docker', ['image', 'inspect', IMAGE], { signal });
  if (code !== 0) await pull(signal, output);
  const child = await startChild({
    name: 'rabbitmq',
    command: 'docker',
    // In the foreground: docker forwards our SIGTERM to the broker. The credentials are in the environment, where `ps` does not show them.
    args: [
      ...['run', '--rm', '--name', name, '--hostname', 'warren', '--volume', `${volumeName(id)}:/var/lib/rabbitmq`],
      ...['--publish', `127.0.0.1:${ports.amqp}:5672`, '--publish', `127.0.0.1:${ports.management}:15672`],
      ...['--env', 'RABBITMQ_DEFAULT_USER', '--env', 'RABBITMQ_DEFAULT_PASS', IMAGE],
    ],
    env: { ...env, RABBITMQ_DEFAULT_USER: login.user, RABBITMQ_DEFAULT_PASS: login.password },
    logFile,
    stopTimeoutMs: 30_000,
  });
  onStarted?.(child);
  // Killing only the docker command would leave the container running.
  const { killNow } = child;
  child.killNow = () => {
    remove();
    killNow();
  };
  const kill = async () => {
    child.killNow();
    await child.exited;
  };
  const api = { url: `http://127.0.0.1:${ports.management}`, login };
  try {
    const ready = await poll(async () => child.exit ?? (await isBrokerReady(api, 5672)), {
      timeoutMs: START_TIMEOUT_MS,
      intervalMs: 300,
      signal,
    });
    if (ready !== true)
      throw new ExplainedError(`RabbitMQ did not start in Docker. Its log (${logFile}) ends with:\n${tailOf(logFile)}`);
  } catch (error) {
    await kill();
    throw error;
  }
  const stop = async () => {
    await child.stop();
    remove();
  };
  return {
    amqpUrl: `amqp://${login.user}:${login.password}@127.0.0.1:${ports.amqp}`,
    managementUrl: managementUrl(api),
    child,
    stop,
    kill,
    async control(args) {
      const { code, output } = await runCommand('docker', ['exec', name, 'rabbitmqctl', ...args]);
      if (code !== 0) throw new ExplainedError(`rabbitmqctl ${args.join(' ')} ended with ${code}:\n${output}`);
      return output;
    },
  };
}

/** @param {AbortSignal | undefined} signal @param {string} why */
async function pull(signal, why) {
  const { code } = await runCommand('docker', ['pull', IMAGE], { show: true, signal });
  if (code !== 0)
    throw new ExplainedError(
      `The image ${IMAGE} could not be pulled (${why}). Check the network, or install RabbitMQ on this machine.`,
    );
}
