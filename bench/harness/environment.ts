import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';

/** Where the figures were measured. */
export interface Environment {
  processor: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
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
    node: process.version,
    commit: await commit(),
  };
}

async function commit(): Promise<string | undefined> {
  const run = promisify(execFile);
  try {
    const { stdout: hash } = await run('git', ['rev-parse', '--short', 'HEAD']);
    const { stdout: changes } = await run('git', ['status', '--porcelain']);
    return `${hash.trim()}${changes === '' ? '' : '+'}`;
  } catch {
    // An unpacked archive has no commit.
    return undefined;
  }
}
