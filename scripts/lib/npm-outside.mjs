import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ExplainedError, runOrExplain } from '../../shared/servers/src/index.mjs';

/** Variables that `npm run` sets would mislead the npm that we call. */
const plain = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_registry)/i.test(name)));

/** @param {string[]} args @param {AbortSignal} signal */
const npm = (args, signal) => runOrExplain('npm', ['--loglevel=silent', ...args], { env: plain(), signal });

/**
 * Installs another version of Node from npm's registry.
 * @param {string} version e.g. `24`
 * @param {{directory: string, report: import('./report.mjs').Report, signal: AbortSignal}} options
 * @returns {Promise<string>} path of its program
 */
export async function fetchNode(version, { directory, report, signal }) {
  return report.step(`Fetching Node ${version}`, async () => {
    const name = `node-linux-${process.arch}@${version}`;
    await npm(['pack', '--pack-destination', directory, name], signal);
    await runOrExplain('sh', ['-euc', 'cd "$1" && tar -xzf *.tgz package/bin/node', 'sh', directory], { signal });
    return join(directory, 'package/bin/node');
  });
}

/** The directory of the npm in use. @param {AbortSignal} signal @returns {Promise<string>} */
export async function locateNpm(signal) {
  const found = join(await npm(['root', '--global'], signal), 'npm');
  if (existsSync(join(found, 'bin', 'npm-cli.js'))) return realpathSync(found);
  throw new ExplainedError(`npm is not in ${found}, where it comes with Node. Use a Node that brings its own npm.`);
}

/** npm settings that name a file. */
const FILES = ['userconfig', 'globalconfig', 'cafile'];
/** Environment variables for network access. */
const NETWORK = /^(https?_proxy|no_proxy)$/i;

/**
 * How npm reaches its registry from here, for an npm with another file system: the environment, and the files to mount where it expects them.
 * @param {NodeJS.ProcessEnv} env @param {AbortSignal} signal
 * @returns {Promise<{binds: [string, string][], env: Record<string, string>}>}
 */
export async function npmSettings(env, signal) {
  /** @type {[string, string][]} */
  const binds = [];
  const network = Object.entries(env).filter(([name]) => NETWORK.test(name));
  /** @type {Record<string, string>} */
  const settings = {
    ...Object.fromEntries(network),
    npm_config_registry: await npm(['config', 'get', 'registry'], signal),
  };
  /** @param {string} variable @param {string | undefined} file */
  const take = (variable, file) => {
    if (!file || !existsSync(file)) return;
    binds.push([realpathSync(file), `/opt/node/etc/${variable}`]);
    settings[variable] = `/opt/node/etc/${variable}`;
  };
  for (const name of FILES) take(`npm_config_${name}`, await npm(['config', 'get', name], signal));
  take('NODE_EXTRA_CA_CERTS', env.NODE_EXTRA_CA_CERTS);
  return { binds, env: settings };
}
