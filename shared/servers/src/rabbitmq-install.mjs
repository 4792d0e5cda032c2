import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ExplainedError } from './explained-error.mjs';
import { onPath } from './rabbitmq-programs.mjs';
import { runCommand } from './run-command.mjs';

/**
 * A non-interactive way to install RabbitMQ.
 * @typedef {object} Installer
 * @property {string} name e.g. `apt-get`
 * @property {string[][]} commands
 *
 * @typedef {object} Progress
 * @property {<Result>(title: string, work: () => Promise<Result>) => Promise<Result>} step shows that something is going on
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {AbortSignal} [signal]
 * @returns {Promise<Installer | undefined>}
 */
export async function findInstaller(env, signal) {
  if (onPath('brew', env)) return { name: 'brew', commands: [['brew', 'install', 'rabbitmq']] };
  if (!onPath('apt-get', env)) return undefined;
  const prefix = process.getuid?.() === 0 ? [] : await sudoPrefix(signal);
  if (!prefix) return undefined;
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '--quiet=2', '--option=Dpkg::Use-Pty=0'];
  return {
    name: 'apt-get',
    commands: [
      [...apt, 'update'],
      [...apt, 'install', '--yes', '--no-install-recommends', 'rabbitmq-server'],
      // The package starts a machine-wide node, but we only need the programs.
      ...(existsSync('/run/systemd/system')
        ? [[...prefix, 'systemctl', 'disable', '--now', '--quiet', 'rabbitmq-server']]
        : []),
    ],
  };
}

/** @param {AbortSignal} [signal] */
async function sudoPrefix(signal) {
  const { code } = await runCommand('sudo', ['-n', 'true'], { signal });
  return code === 0 ? ['sudo', '-n'] : undefined;
}

/**
 * @param {Installer} installer
 * @param {{report: Progress, signal?: AbortSignal}} options
 */
export async function installRabbitmq({ name, commands }, { report, signal }) {
  await report.step(`Installing rabbitmq-server with ${name} (once)`, async () => {
    for (const command of commands) await runToItsEnd(command, signal);
  });
}

/**
 * A partial installation breaks the next one. So a stop is forwarded as the one signal that package managers handle gracefully, and then
 * awaited. The command stays in our process group, where a Ctrl-C reaches it even if sudo runs it as root.
 * @param {string[]} line
 * @param {AbortSignal} [signal]
 */
async function runToItsEnd([command = '', ...args], signal) {
  signal?.throwIfAborted();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const interrupt = () => void child.kill('SIGINT');
  signal?.addEventListener('abort', interrupt, { once: true });
  const code = await new Promise((resolve) => {
    child.once('close', resolve);
    // Also of a signal that may not be sent, to what sudo has made root's: that has not ended by it.
    child.on('error', () => child.pid === undefined && resolve(127));
  });
  signal?.removeEventListener('abort', interrupt);
  signal?.throwIfAborted();
  if (code !== 0)
    throw new ExplainedError(
      `"${[command, ...args].join(' ')}" failed (${code}):\n${output.trim()}\n\n${HOW_TO_GET_RABBITMQ}`,
    );
}

export const HOW_TO_GET_RABBITMQ = `Warren needs a RabbitMQ, and none of these was found: AMQP_URL, a rabbitmq-server on this machine, a Docker engine.
One of these commands helps:
  Debian, Ubuntu   sudo apt-get update && sudo apt-get install -y rabbitmq-server
  macOS            brew install rabbitmq
  Docker           docker run -d -p 127.0.0.1:5672:5672 -p 127.0.0.1:15672:15672 rabbitmq:4-management
                   and then AMQP_URL=amqp://guest:guest@127.0.0.1:5672 npm start
  a broker you have   AMQP_URL=amqp://user:password@host:5672 npm start`;
