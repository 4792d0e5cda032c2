import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const LOADER = fileURLToPath(new URL('../../tests/chaos/register-typescript.mjs', import.meta.url));
const CLOSE_TIMEOUT_MS = 5000;

/** A program of the bench in a process of its own, which answers one task at a time. */
export interface Worker<Task, Outcome> {
  readonly pid: number;
  /** @throws what went wrong there, or how it ended */
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
}

type Answer<Outcome> = { ready: true } | { outcome: Outcome } | { failure: string };

/** Starts a worker and resolves when it is prepared. */
export async function startWorker<Task, Outcome>(options: WorkerOptions): Promise<Worker<Task, Outcome>> {
  const { name, file, env } = options;
  const child = fork(file, [], {
    env: { ...process.env, ...env },
    execArgv: ['--import', LOADER],
  });
  await answerOf(child, name);
  return {
    pid: child.pid ?? 0,
    async ask(task) {
      child.send({ task });
      const answer = await answerOf<Outcome>(child, name);
      if ('outcome' in answer) return answer.outcome;
      throw new Error(`${name} answered ${JSON.stringify(answer)}`);
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

async function answerOf<Outcome>(child: ChildProcess, name: string): Promise<Answer<Outcome>> {
  const given = new AbortController();
  const { signal } = given;
  try {
    const answer = await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as Answer<Outcome>),
      once(child, 'exit', { signal }).then(([code, by]) => ({ failure: `ended: ${by ?? `exit code ${code}`}` })),
    ]);
    if ('failure' in answer) throw new Error(`${name}: ${answer.failure}`);
    return answer;
  } finally {
    given.abort();
  }
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
