import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';

/** Never changes: RabbitMQ's data is bound to the name of its node. Only our private epmd knows the name. */
export const NODE_NAME = 'warren@localhost';

/**
 * @typedef {object} NodePorts
 * @property {number} amqp
 * @property {number} management
 * @property {number} distribution
 * @property {number} epmd
 *
 * @typedef {object} NodeFiles
 * @property {string} dataDir
 * @property {NodePorts} ports
 * @property {{user: string, password: string}} login
 * @property {boolean} [quick] refresh statistics several times a second, as tests like it; default false
 */

/**
 * Writes the files that a private node reads at start: configuration, enabled plugins, Erlang cookie.
 * @param {NodeFiles} options
 */
export function writeNodeFiles({ dataDir, ports, login, quick = false }) {
  for (const directory of ['home', 'mnesia', 'log', 'config', 'schema'])
    mkdirSync(join(dataDir, directory), { recursive: true, mode: 0o700 });
  /** @param {string} name @param {string} text */
  const write = (name, text) => writeFileSync(join(dataDir, name), text, { mode: 0o600 });
  write('enabled_plugins', '[rabbitmq_management].\n');
  write('rabbitmq-env.conf', '');
  write('rabbitmq.conf', configuration(ports, login));
  write(
    'advanced.config',
    quick ? '[{rabbit, [{collect_statistics_interval, 500}, {quorum_tick_interval, 500}]}].\n' : '[].\n',
  );
  const cookie = join(dataDir, 'home', '.erlang.cookie');
  if (!existsSync(cookie)) writeFileSync(cookie, randomBytes(24).toString('hex'), { mode: 0o400 });
  // Left by a killed node: it is of no use and only misleads.
  rmSync(join(dataDir, 'mnesia', `${NODE_NAME}.pid`), { force: true });
}

/** @param {NodePorts} ports @param {{user: string, password: string}} login */
function configuration(ports, login) {
  const memory = Math.min(totalmem(), process.constrainedMemory?.() || Number.POSITIVE_INFINITY);
  return `${[
    `listeners.tcp.local = 127.0.0.1:${ports.amqp}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${ports.management}`,
    `default_user = ${login.user}`,
    `default_pass = ${login.password}`,
    'disk_free_limit.absolute = 50MB',
    `vm_memory_high_watermark.absolute = ${Math.floor((memory * 0.4) / 1_048_576)}MiB`,
    'log.console = false',
    'log.file.level = info',
    'log.file.rotation.size = 10485760',
    'log.file.rotation.count = 3',
  ].join('\n')}\n`;
}

/**
 * Returns the environment of a private node. Omits the user's RabbitMQ and Erlang variables, which are meant for another node.
 * @param {NodeJS.ProcessEnv} env
 * @param {{dataDir: string, ports: NodePorts}} options
 * @returns {NodeJS.ProcessEnv}
 */
export function nodeEnvironment(env, { dataDir, ports }) {
  const foreign = /^(RABBITMQ_|ERL_|CONF_ENV_FILE$|NOTIFY_SOCKET$)/;
  return {
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name))),
    HOME: join(dataDir, 'home'),
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: NODE_NAME,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONF_ENV_FILE: join(dataDir, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(dataDir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dataDir, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dataDir, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(dataDir, 'mnesia'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dataDir, 'config'),
    RABBITMQ_SCHEMA_DIR: join(dataDir, 'schema'),
    RABBITMQ_LOG_BASE: join(dataDir, 'log'),
    RABBITMQ_LOGS: join(dataDir, 'log', 'rabbitmq.log'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
}
