import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const LOADER = fileURLToPath(new URL('../../tests/program/register-typescript.mjs', import.meta.url));
const CLOSE_TIMEOUT_MS = 5000;
/** How much of its output is told when a worker fails, in characters. */
const OUTPUT_TOLD = 4000;

/** A program of the bench in a process of its own, which answers one task at a time. */
export interface Worker<Task, Outcome> {
  readonly pid: number;
  /** @throws what went wrong there; how it ended and what it has written, also when that was before it was asked */
  ask(task: Task): Promise<Outcome>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

export interface WorkerOptions {
  /** For messages. */
  name: string;
  /** The program, in TypeScript; it calls {@link serveWorker}. It uses the built packages, as a service does. */
  file: string;
  env?: Record<string, string>;
  /** Leaves a CPU profile in this folder. */
  profileTo?: string;
}

type Answer<Outcome> = { ready: true } | { outcome: Outcome } | { failure: string };

/** Starts a worker and resolves when it is prepared. */
export async function startWorker<Task, Outcome>(options: WorkerOptions): Promise<Worker<Task, Outcome>> {
  const { name, file, env, profileTo } = options;
  const child = fork(file, [], {
    env: { ...process.env, ...env },
    execArgv: ['--import', LOADER, ...profileFlags(name, profileTo)],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = endOf(child);

  async function answer(): Promise<Exclude<Answer<Outcome>, { failure: string }>> {
    const given = new AbortController();
    const told = once(child, 'message', { signal: given.signal }).then(([message]) => message as Answer<Outcome>);
    const message = await Promise.race([told, ended]).finally(() => given.abort());
    if ('failure' in message) throw new Error(`${name}: ${message.failure}`);
    return message;
  }

  async function close(): Promise<void> {
    if (child.connected) child.disconnect();
    const late = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
    await ended;
    clearTimeout(late);
  }

  await answer().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    pid: child.pid ?? 0,
    async ask(task) {
      // A worker that is gone takes no message; that it is gone is told by its end.
      child.send({ task }, () => undefined);
      const message = await answer();
      if ('outcome' in message) return message.outcome;
      throw new Error(`${name} was asked and said only that it is ready`);
    },
    close,
  };
}

/** Resolves when the process has ended and all that it wrote was read. Not by its `close`, which a disconnect from our side keeps from coming. */
async function endOf(child: ChildProcess): Promise<{ failure: string }> {
  let output = '';
  const read = async (stream: Readable | null): Promise<void> => {
    for await (const text of stream?.setEncoding('utf8') ?? []) output = (output + text).slice(-OUTPUT_TOLD);
  };
  try {
    const [[code, by]] = await Promise.all([once(child, 'exit'), read(child.stdout), read(child.stderr)]);
    return { failure: `ended: ${by ?? `exit code ${code}`}\n${output}`.trimEnd() };
  } catch (error) {
    return { failure: `could not be started: ${error}` };
  }
}

/** Flags of Node that leave a CPU profile of each thread below `<folder>/<name>` when the process ends; that of thread 0 is the one. */
function profileFlags(name: string, folder: string | undefined): string[] {
  if (folder === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${join(folder, name.replaceAll(/\W+/g, '-'))}`];
}

/** The other end: prepares once, then carries out each task, until the bench lets go of it. */
export async function serveWorker<Task, Outcome>(
  prepare: () => Promise<(task: Task) => Promise<Outcome>>,
): Promise<void> {
  const tell = (answer: Answer<Outcome>) => void process.send?.(answer);
  const fail = (error: unknown) => tell({ failure: String((error as Error)?.stack ?? error) });
  process.on('disconnect', () => process.exit(0));
  try {
    const run = await prepare();
    process.on('message', ({ task }: { task: Task }) => void run(task).then((outcome) => tell({ outcome }), fail));
    tell({ ready: true });
  } catch (error) {
    fail(error);
  }
}
