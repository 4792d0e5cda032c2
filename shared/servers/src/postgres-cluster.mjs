import { chownSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExplainedError } from './explained-error.mjs';
import { runCommand } from './run-command.mjs';
import { userOf } from './unprivileged.mjs';

/** The names of everything that is created in a new cluster. */
export const USER = 'warren';
export const DATABASE = 'warren';

/**
 * Creates the cluster in a temporary directory and renames it, so that an interrupted run leaves nothing that looks complete.
 * @param {{dataDir: string, password: string, binaries: {bin: string}, launch: import('./unprivileged.mjs').Launch, env: NodeJS.ProcessEnv, durable: boolean, signal?: AbortSignal}} options
 */
export async function createCluster({ dataDir, password, binaries, launch, env, durable, signal }) {
  const partial = `${dataDir}.partial`;
  const passwordFile = `${dataDir}.password`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (launch.uid !== undefined && launch.gid !== undefined) {
    for (const path of [partial, passwordFile]) chownSync(path, launch.uid, launch.gid);
  }
  /** @param {string} program @param {string[]} args @param {string} [input] */
  const run = async (program, args, input) => {
    const [command = '', ...all] = [...launch.prefix, join(binaries.bin, program), ...args];
    const { code, output } = await runCommand(command, all, { env, input, signal, ...userOf(launch) });
    if (code !== 0)
      throw new ExplainedError(`Postgres could not be set up (${program} ended with ${code}):\n${output}`);
  };
  try {
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const sync = durable ? [] : ['--no-sync'];
    await run('initdb', [
      '-D',
      partial,
      '-U',
      USER,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      ...locale,
      ...sync,
    ]);
    await run('postgres', ['--single', '-D', partial, 'postgres'], `CREATE DATABASE ${DATABASE}\n`);
    renameSync(partial, dataDir);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Refuses data of another major version, which this Postgres could not read. @param {string} dataDir @param {string} majorVersion */
export function checkVersion(dataDir, majorVersion) {
  const found = readFileSync(join(dataDir, 'PG_VERSION'), 'utf8').trim();
  if (found === majorVersion) return;
  throw new ExplainedError(
    `The data in ${dataDir} was written by Postgres ${found}, installed is Postgres ${majorVersion}.\nCheck out the version that wrote it, or begin with empty data: move ${dataDir} away.`,
  );
}
