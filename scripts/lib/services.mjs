import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';

/**
 * @typedef {object} ServiceEntry a service, as its `topology.json` describes it
 * @property {string} name also the name of its folder below `services/`
 * @property {string} portSetting the setting of its port
 * @property {number} defaultPort
 * @property {boolean} core always runs; the others run with `--all`
 * @property {boolean} api whether it has an HTTP API beside health, readiness and metrics
 * @property {string[]} settings the environment variables that it reads
 */

/** The services of this checkout, in the order of their ports: the folders below `services/` that have a `topology.json`. */
export const SERVICES = findServices(join(ROOT, 'services'));

/** @param {string} directory @returns {ServiceEntry[]} */
function findServices(directory) {
  const files = readdirSync(directory).map((folder) => join(directory, folder, 'topology.json'));
  return files
    .filter((file) => existsSync(file))
    .map((file) => {
      const { service: name, port, optional, api, settings } = JSON.parse(readFileSync(file, 'utf8'));
      return { name, portSetting: port.setting, defaultPort: port.default, core: !optional, api, settings };
    })
    .sort((one, other) => one.defaultPort - other.defaultPort);
}

/**
 * The services that run with or without `--all`.
 * @param {{all: boolean}} options
 */
export const servicesOf = ({ all }) => SERVICES.filter(({ core }) => all || core);

/** Environment variables that the scripts themselves read, besides the ports of the services. */
const SCRIPT_SETTINGS = ['DATA_DIR', 'MAIL_CATCHER_PORT', 'MAIL_CATCHER_SMTP_PORT'];

/**
 * An environment for tests: settings that developers made for their own `npm start` must not reach a service under test.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withoutServiceSettings(env) {
  const read = new Set([...SCRIPT_SETTINGS, ...SERVICES.flatMap(({ settings }) => settings)]);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !read.has(name)));
}
