import { closeSync, existsSync, mkdirSync, openSync, readFileSync, realpathSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ExplainedError, onPath, runOrExplain } from '../../shared/servers/src/index.mjs';
import { runProgram } from './private-run.mjs';

/** Debian 13. */
const RELEASE = 'trixie';
const PACKAGES = 'rabbitmq-server,git,procps,iproute2,ca-certificates';

/**
 * Makes a Debian with RabbitMQ 4.0 in a folder, from the mirror that this machine's apt uses. One that is there already is kept.
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
  // Aside, so that what a stop leaves half-way is never taken for a whole one.
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

/** The mirror of Debian itself among what apt is set up with. @param {AbortSignal} signal @returns {Promise<string>} */
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
 * Removes a directory with everything in it, but never what is mounted there from elsewhere.
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
/** What ending a whole test run may take. */
const PATIENCE_MS = 60_000;

/** Arguments: the root, the working directory, how many words name mounts, those (source, target), the command. */
const ENTER = `
root=$1; cwd=$2; words=$3; shift 3
while [ "$words" -gt 0 ]; do mount --rbind "$1" "$root$2"; shift 2; words=$((words - 2)); done
exec chroot "$root" /bin/sh -euc 'cd "$1"; shift; exec "$@"' sh "$cwd" "$@"`;

/**
 * Runs a command in a folder that holds a whole system, as root. What is mounted there is mounted in a namespace of the command's own: nobody
 * else sees it, and it is gone with the last process of the command, whatever has ended that.
 * @param {string} root
 * @param {string[]} command
 * @param {{cwd: string, env: Record<string, string>, binds: [string, string][], path: string, signal: AbortSignal}} options `binds`: files and
 * directories of this machine, and where they are to be found inside; `path` comes before the usual PATH
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

/** A mount needs something to cover. @param {string} source @param {string} target */
function prepareTarget(source, target) {
  const isDirectory = statSync(source).isDirectory();
  mkdirSync(isDirectory ? target : dirname(target), { recursive: true });
  if (!isDirectory) closeSync(openSync(target, 'a'));
}
