import { closeSync, existsSync, mkdirSync, openSync, readFileSync, realpathSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ExplainedError, onPath, runOrExplain } from '../../shared/servers/src/index.mjs';
import { runProgram } from './private-run.mjs';

/** Debian 13. */
const RELEASE = 'trixie';
const PACKAGES = 'rabbitmq-server,git,procps,iproute2,ca-certificates';

/**
 * Installs a Debian with RabbitMQ 4.0 in a folder, from the mirror that this machine's apt uses. An existing one is kept.
 * @param {string} folder
 * @param {{report: import('./report.mjs').Report, signal: AbortSignal}} options
 */
export async function ensureDebianRoot(folder, { report, signal }) {
  if (existsSync(join(folder, 'usr/lib/rabbitmq/bin/rabbitmq-server'))) return;
  if (existsSync(folder)) {
    throw new ExplainedError(
      `${folder} exists and is no Debian with RabbitMQ. Remove it, or name another one: --folder`,
    );
  }
  await ensureDebootstrap({ report, signal });
  const mirror = await findMirror(signal);
  // In a temporary folder first, so that an interrupted installation is never mistaken for a complete one.
  const partial = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  try {
    await report.step(`Making a Debian with RabbitMQ 4 in ${folder} (once)`, () =>
      runOrExplain('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, RELEASE, partial, mirror], { signal }),
    );
    renameSync(partial, folder);
  } finally {
    await removeTree(partial);
  }
}

/** @param {{report: import('./report.mjs').Report, signal: AbortSignal}} options */
async function ensureDebootstrap({ report, signal }) {
  if (onPath('debootstrap', process.env)) return;
  if (!onPath('apt-get', process.env))
    throw new ExplainedError('npm run test:rabbitmq4 needs a Debian: there is no apt-get.');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await report.step('Installing debootstrap with apt-get (once)', async () => {
    await runOrExplain('apt-get', ['--quiet=2', 'update'], { env, signal });
    await runOrExplain('apt-get', ['--quiet=2', 'install', '--yes', 'debootstrap'], { env, signal });
  });
}

/** The main Debian mirror among apt's sources. @param {AbortSignal} signal @returns {Promise<string>} */
async function findMirror(signal) {
  const format = ['--format', '$(LABEL)|$(CODENAME)|$(REPO_URI)', 'Identifier: Packages'];
  const look = async () => {
    const output = await runOrExplain('apt-get', ['indextargets', ...format], { signal });
    // Updates have a code name with a hyphen.
    return /^Debian\|[a-z]+\|(\S+)$/m.exec(output)?.[1];
  };
  const mirror = (await look()) ?? (await runOrExplain('apt-get', ['--quiet=2', 'update'], { signal }).then(look));
  if (mirror) return mirror;
  throw new ExplainedError('npm run test:rabbitmq4 needs a Debian: none is among the sources of this apt.');
}

/**
 * Removes a directory with everything in it, but never the contents of a mount.
 * @param {string} directory
 * @throws `ExplainedError` when something is mounted below it
 */
export async function removeTree(directory) {
  if (!existsSync(directory)) return;
  const path = realpathSync(directory);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4]?.replaceAll('\\040', ' ') ?? '');
  const mounted = mounts.filter((mount) => mount === path || mount.startsWith(`${path}/`));
  if (mounted.length > 0) {
    throw new ExplainedError(`${path} is not removed: unmount first ${mounted.join(', ')}`);
  }
  await runOrExplain('rm', ['--recursive', '--force', '--one-file-system', '--', path]);
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** How long a whole test run may take to end. */
const PATIENCE_MS = 60_000;

/** Arguments: the root, the working directory, the number of words that describe mounts, these words (source, target), the command. */
const ENTER = `
root=$1; cwd=$2; words=$3; shift 3
while [ "$words" -gt 0 ]; do mount --rbind "$1" "$root$2"; shift 2; words=$((words - 2)); done
exec chroot "$root" /bin/sh -euc 'cd "$1"; shift; exec "$@"' sh "$cwd" "$@"`;

/**
 * Runs a command as root in a folder that contains a whole system. Its mounts are in a private namespace: no other process sees them, and
 * they vanish with the last process of the command, however that ends.
 * @param {string} root
 * @param {string[]} command
 * @param {{cwd: string, env: Record<string, string>, binds: [string, string][], path: string, signal: AbortSignal}} options `binds`: files and
 * directories of this machine, and their paths inside; `path` is prepended to the usual PATH
 * @returns {Promise<number>} its exit code
 */
export function runInRoot(root, command, { cwd, env, binds, path, signal }) {
  const system = ['/proc', '/sys', '/dev', '/etc/hosts', '/etc/resolv.conf'];
  const all = [...system.map((one) => /** @type {[string, string]} */ ([one, one])), ...binds];
  for (const [source, target] of all) prepareTarget(source, join(root, target));
  const args = ['--mount', '--propagation', 'private', 'sh', '-euc', ENTER, 'sh', root, cwd];
  return runProgram('unshare', [...args, String(2 * all.length), ...all.flat(), ...command], {
    env: { HOME: '/root', LANG: 'C.UTF-8', TERM: process.env.TERM, PATH: `${path}:${PATH}`, ...env },
    signal,
    patienceMs: PATIENCE_MS,
  });
}

/** Creates the mount point. @param {string} source @param {string} target */
function prepareTarget(source, target) {
  const isDirectory = statSync(source).isDirectory();
  mkdirSync(isDirectory ? target : dirname(target), { recursive: true });
  if (!isDirectory) closeSync(openSync(target, 'a'));
}
