import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * Where packages put the real start script. Debian's and Red Hat's /usr/sbin/rabbitmq-server is only a wrapper that switches to the user
 * `rabbitmq` and writes to /var/log.
 */
const SERVERS = [
  '/usr/lib/rabbitmq/bin/rabbitmq-server',
  '/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
  '/usr/local/opt/rabbitmq/sbin/rabbitmq-server',
  '/home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin/rabbitmq-server',
];

/** Directories that contain Homebrew's `erlang`, `erlang@26`, …, whose programs are not always on the PATH. */
const HOMEBREW = ['/opt/homebrew/opt', '/usr/local/opt', '/home/linuxbrew/.linuxbrew/opt'];

/**
 * Finds the programs of a RabbitMQ installed on this machine.
 * @param {NodeJS.ProcessEnv} env
 * @returns {{server: string, epmd: string} | undefined}
 */
export function locateRabbitmq(env) {
  const server = SERVERS.find((path) => existsSync(path)) ?? onPath('rabbitmq-server', env);
  const epmd =
    onPath('epmd', env) ??
    ['/usr/lib/erlang/bin/epmd', '/usr/local/lib/erlang/bin/epmd', ...homebrewEpmds()].find((path) => existsSync(path));
  return server && epmd ? { server, epmd } : undefined;
}

/** @param {string} program @param {NodeJS.ProcessEnv} env @returns {string | undefined} its real path */
export function onPath(program, env) {
  const directories = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(Boolean);
  const found = directories.map((directory) => join(directory, program)).find((path) => existsSync(path));
  return found && realpathSync(found);
}

function homebrewEpmds() {
  return HOMEBREW.filter((directory) => existsSync(directory)).flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => name === 'erlang' || name.startsWith('erlang@'))
      .sort()
      .reverse()
      .map((name) => join(directory, name, 'lib', 'erlang', 'bin', 'epmd')),
  );
}

/** The PATH that lets the start script find `erl` beside our `epmd`. @param {string} epmd @param {NodeJS.ProcessEnv} env */
export function pathWith(epmd, env) {
  return [env.PATH ?? '', dirname(epmd), '/usr/sbin', '/sbin'].filter(Boolean).join(delimiter);
}
