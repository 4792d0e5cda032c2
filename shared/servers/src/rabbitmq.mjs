import { ExplainedError } from './explained-error.mjs';
import { isDockerUsable, removeVolume, startRabbitmqContainer } from './rabbitmq-docker.mjs';
import { findInstaller, HOW_TO_GET_RABBITMQ, installRabbitmq } from './rabbitmq-install.mjs';
import { startRabbitmqNode } from './rabbitmq-node.mjs';
import { locateRabbitmq } from './rabbitmq-programs.mjs';

/**
 * @typedef {object} BrokerOptions
 * @property {string} dataDir contains all files of a native node; a container keeps its data in a volume
 * @property {string} id names the container's volume; a new id means a new, empty broker
 * @property {import('./rabbitmq-files.mjs').NodePorts} ports
 * @property {{user: string, password: string}} login set at the first start
 * @property {boolean} [quick] refresh statistics several times a second, as tests like it
 * @property {NodeJS.ProcessEnv} env
 * @property {AbortSignal} [signal] aborts the start and leaves nothing running
 * @property {(child: import('./child.mjs').Child) => void} [onStarted] told of each process as soon as it is there
 *
 * @typedef {object} Broker
 * @property {string} amqpUrl with credentials
 * @property {string} managementUrl with credentials
 * @property {import('./child.mjs').Child} child its end is the end of the broker
 * @property {() => Promise<void>} stop shuts down gracefully
 * @property {() => Promise<void>} kill ends it at once, like a crash
 * @property {(args: string[]) => Promise<string>} control runs `rabbitmqctl` on it and returns its output; throws when the command fails
 *
 * @typedef {object} BrokerSource
 * @property {'native' | 'docker'} kind
 * @property {(options: BrokerOptions) => Promise<Broker>} start may be called repeatedly; the same options use the same data
 * @property {(id: string) => Promise<unknown>} discard removes data that is not below `dataDir`; after the last `kill` of a test's broker
 */

/**
 * Finds a source for a private broker: the machine's `rabbitmq-server`, otherwise Docker, otherwise an installation by the machine's package
 * manager.
 * @param {object} options
 * @param {NodeJS.ProcessEnv} options.env
 * @param {import('./rabbitmq-install.mjs').Progress} [options.report] without it nothing is installed
 * @param {AbortSignal} [options.signal]
 * @param {Partial<typeof parts>} [options.using] for tests: stands in for what looks at the machine
 * @returns {Promise<BrokerSource>}
 */
export async function chooseBrokerSource({ env, report, signal, using }) {
  const { locate, dockerUsable, installer, install } = { ...parts, ...using };
  const programs = locate(env);
  if (programs) return native(programs);
  if (await dockerUsable(signal)) return { kind: 'docker', start: startRabbitmqContainer, discard: removeVolume };
  const found = report && (await installer(env, signal));
  if (!report || !found) throw new ExplainedError(HOW_TO_GET_RABBITMQ);
  await install(found, { report, signal });
  const installed = locate(env);
  if (!installed)
    throw new ExplainedError(
      `rabbitmq-server was installed with ${found.name}, but its programs were not found.\n${HOW_TO_GET_RABBITMQ}`,
    );
  return native(installed);
}

const parts = {
  locate: locateRabbitmq,
  dockerUsable: isDockerUsable,
  installer: findInstaller,
  install: installRabbitmq,
};

/** @param {{server: string, epmd: string}} programs @returns {BrokerSource} */
function native(programs) {
  return {
    kind: 'native',
    start: (options) => startRabbitmqNode({ ...options, programs }),
    discard: async () => undefined,
  };
}
