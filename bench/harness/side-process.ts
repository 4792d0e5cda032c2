import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Side } from './alternate.ts';

const LOADER = fileURLToPath(new URL('../../tests/chaos/register-typescript.mjs', import.meta.url));
const SIDES = fileURLToPath(new URL('../sides', import.meta.url));

/** A side in a process of its own, so that the others leave no mark on its heap and its compiled code. */
export interface SideProcess extends Side {
  readonly pid: number;
  /** Core-milliseconds of the latest run, as the side has measured them; NaN when it has not. */
  readonly cpuMs: number;
  close(): Promise<void>;
}

export interface SideProcessOptions {
  name: string;
  /** Below `bench/sides`; calls {@link serveSide}. */
  file: string;
  env: Record<string, string>;
  /** Leaves a CPU profile in this folder. */
  profileTo?: string;
}

/** What a side measures in a run. */
export interface Measured {
  value: number;
  cpuMs?: number;
}

type Answer = { ready: true } | Measured | { failure: string };

/** Starts a side. It uses the built packages, as a service does. */
export async function startSide({ name, file, env, profileTo }: SideProcessOptions): Promise<SideProcess> {
  const child = fork(join(SIDES, file), [], {
    env: { ...process.env, ...env },
    execArgv: ['--import', LOADER, ...profileFlags(name, profileTo)],
  });
  await answerOf(child, name);
  let cpuMs = Number.NaN;
  return {
    name,
    pid: child.pid ?? 0,
    get cpuMs() {
      return cpuMs;
    },
    async run() {
      child.send('run');
      const answer = await answerOf(child, name);
      if (!('value' in answer)) throw new Error(`${name} answered ${JSON.stringify(answer)}`);
      cpuMs = answer.cpuMs ?? Number.NaN;
      return answer.value;
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** Flags of Node that leave a CPU profile of each thread below `<folder>/<name>` when the process ends; that of thread 0 is the one. */
export function profileFlags(name: string, folder: string | undefined): string[] {
  if (folder === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${join(folder, name.replaceAll(/\W+/g, '-'))}`];
}

async function answerOf(child: ChildProcess, name: string): Promise<Answer> {
  const given = new AbortController();
  const { signal } = given;
  try {
    const answer = await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as Answer),
      once(child, 'exit', { signal }).then(([code, by]) => ({ failure: `ended: ${by ?? `exit code ${code}`}` })),
    ]);
    if ('failure' in answer) throw new Error(`${name}: ${answer.failure}`);
    return answer;
  } finally {
    given.abort();
  }
}

/** The other end: prepares once, then runs and reports a figure each time it is told to, until the bench lets go of it. */
export async function serveSide(prepare: () => Promise<() => Promise<Measured>>): Promise<void> {
  const tell = (answer: Answer) => void process.send?.(answer);
  try {
    const run = await prepare();
    process.on('message', () => {
      void run().then(
        (measured) => tell(measured),
        (error) => tell({ failure: String(error?.stack ?? error) }),
      );
    });
    process.on('disconnect', () => process.exit(0));
    tell({ ready: true });
  } catch (error) {
    tell({ failure: String((error as Error).stack) });
  }
}
