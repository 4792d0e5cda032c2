import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { locatePostgres, locateRabbitmq } from '@warren/servers';

const run = promisify(execFile);

/** Where the figures were measured. */
export interface Environment {
  processor: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
  /** E.g. `3.10.8`. */
  rabbitmq: string;
  /** E.g. `18.1`; it runs with fsync. */
  postgres: string;
  /** Short hash, with `+` when files differ from it; undefined outside a checkout. */
  commit?: string;
}

export async function describeEnvironment(): Promise<Environment> {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    rabbitmq: rabbitmqVersion(),
    postgres: await postgresVersion(),
    commit: await commit(),
  };
}

/** By the folder that it is installed in; `rabbitmqctl version` would leave a daemon of Erlang behind. */
function rabbitmqVersion(): string {
  const programs = locateRabbitmq(process.env);
  if (!programs) return 'in Docker';
  return /\d+\.\d+\.\d+/.exec(realpathSync(programs.server))?.[0] ?? 'of unknown version';
}

async function postgresVersion(): Promise<string> {
  const { stdout } = await run(join(locatePostgres().bin, 'postgres'), ['--version']);
  return /\d+(\.\d+)*/.exec(stdout)?.[0] ?? stdout.trim();
}

async function commit(): Promise<string | undefined> {
  try {
    const { stdout: hash } = await run('git', ['rev-parse', '--short', 'HEAD']);
    const { stdout: changes } = await run('git', ['status', '--porcelain']);
    return `${hash.trim()}${changes === '' ? '' : '+'}`;
  } catch {
    // An unpacked archive has no commit.
    return undefined;
  }
}
