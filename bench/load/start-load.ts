import { fileURLToPath } from 'node:url';
import { startWorker } from '../harness/worker.ts';
import type { ClosedLoop, ClosedLoopOutcome } from './closed-loop.ts';
import type { OpenLoop, OpenLoopOutcome } from './open-loop.ts';

type Settings<Task> = Omit<Task, 'kind'>;

/** A source of load. */
export interface Load {
  readonly pid: number;
  closed(settings: Settings<ClosedLoop>): Promise<ClosedLoopOutcome>;
  open(settings: Settings<OpenLoop>): Promise<OpenLoopOutcome>;
  close(): Promise<void>;
}

export async function startLoad(): Promise<Load> {
  const file = fileURLToPath(new URL('load-worker.ts', import.meta.url));
  const worker = await startWorker<ClosedLoop | OpenLoop, ClosedLoopOutcome | OpenLoopOutcome>({ name: 'load', file });
  return {
    pid: worker.pid,
    closed: (settings) => worker.ask({ kind: 'closed', ...settings }) as Promise<ClosedLoopOutcome>,
    open: (settings) => worker.ask({ kind: 'open', ...settings }) as Promise<OpenLoopOutcome>,
    close: () => worker.close(),
  };
}
