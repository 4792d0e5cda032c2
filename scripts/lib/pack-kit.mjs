import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runOrExplain } from '../../shared/servers/src/index.mjs';
import { ROOT } from './paths.mjs';

/**
 * Packs every package of the kit as `npm publish` would, after compiling those that have changed.
 * @param {string} folder created if missing; relative to the working directory
 * @param {AbortSignal} [signal]
 * @returns {Promise<string[]>} the tarballs' paths
 * @throws `ExplainedError` when the sources do not compile
 */
export async function packKit(folder, signal) {
  const destination = resolve(folder);
  mkdirSync(destination, { recursive: true });
  const workspaces = readdirSync(join(ROOT, 'shared')).map((name) => `--workspace=shared/${name}`);
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command = '', ...args] = [...npm, 'pack', '--silent', '--pack-destination', destination, ...workspaces];
  const output = await runOrExplain(command, args, { cwd: ROOT, signal });
  return output
    .split('\n')
    .filter((line) => line.endsWith('.tgz'))
    .map((name) => join(destination, name));
}
