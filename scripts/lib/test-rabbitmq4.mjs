import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ExplainedError, runOrExplain } from '../../shared/servers/src/index.mjs';
import { ensureDebianRoot, removeTree, runInRoot } from './debian-root.mjs';
import { fetchNode, locateNpm, npmSettings } from './npm-outside.mjs';
import { dataDirectory, ROOT } from './paths.mjs';

export const RABBITMQ4_HELP = `Usage: npm run test:rabbitmq4 -- [options] [-- jest arguments]

Runs npm test on RabbitMQ 4: with the last commit, in a folder that holds a Debian 13, whose RabbitMQ is 4.0.
Needs a Debian, and root. The folder takes some minutes and 700 MB the first time, and is kept.

Options
  --folder <path>   where the Debian is (default debian13 below DATA_DIR, which is .data)
  --node <version>  another Node than the one that runs this, e.g. 24 or 20.19.0
  --help            this text

Example: npm run test:rabbitmq4 -- --node 24 -- shared/event-bus`;

/**
 * @typedef {{help: boolean, folder: string, node: string | undefined, jestArguments: string[]}} Rabbitmq4Options
 * @param {string[]} args @returns {Rabbitmq4Options}
 */
export function parseRabbitmq4Options(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, folder: { type: 'string' }, node: { type: 'string' } },
    });
    const folder = resolve(values.folder ?? join(dataDirectory(), 'debian13'));
    return { help: values.help ?? false, folder, node: values.node, jestArguments: positionals };
  } catch (error) {
    const [why] = /** @type {Error} */ (error).message.split('. ');
    throw new ExplainedError(`${why}. See: npm run test:rabbitmq4 -- --help`);
  }
}

/**
 * Runs `npm test` on the last commit, in a Debian with RabbitMQ 4. Leaves only the Debian behind.
 * @param {import('./run-script.mjs').ScriptContext & {env: NodeJS.ProcessEnv, report: import('./report.mjs').Report}} context
 * @param {Rabbitmq4Options} options
 * @returns {Promise<number>} the exit code of `npm test`
 */
export async function testOnRabbitmq4({ env, report, signal, onEnd }, { folder, node, jestArguments }) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new ExplainedError(
      'npm run test:rabbitmq4 needs a Debian, and root: it makes a Debian of its own in a folder.',
    );
  }
  await ensureDebianRoot(folder, { report, signal });
  const temporary = mkdtempSync(join(tmpdir(), 'warren-node-'));
  onEnd(() => removeTree(temporary));
  const program = node ? await fetchNode(node, { directory: temporary, report, signal }) : process.execPath;
  const clone = `/opt/warren-${process.pid}`;
  onEnd(() => report.step('Removing the clone', () => removeTree(join(folder, clone))));
  await report.step('Copying the last commit', () => copyCommit(join(folder, clone), signal));
  linkNpm(join(folder, '/opt/node/bin'));
  const { binds, env: settings } = await npmSettings(env, signal);
  return runInRoot(folder, ['npm', 'test', '--', ...jestArguments], {
    cwd: clone,
    env: settings,
    binds: [[program, '/opt/node/bin/node'], [await locateNpm(signal), '/opt/node/lib/node_modules/npm'], ...binds],
    path: '/opt/node/bin',
    signal,
  });
}

/** @param {string} bin */
function linkNpm(bin) {
  mkdirSync(bin, { recursive: true });
  for (const name of ['npm', 'npx']) {
    rmSync(join(bin, name), { force: true });
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  }
}

/** @param {string} target @param {AbortSignal} signal */
async function copyCommit(target, signal) {
  mkdirSync(target, { recursive: true });
  const archive = 'git -C "$1" archive --format=tar HEAD | tar -x -C "$2"';
  await runOrExplain('sh', ['-euc', archive, 'sh', ROOT, target], { signal });
}
