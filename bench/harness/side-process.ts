import { fileURLToPath } from 'node:url';
import type { Side } from './alternate.ts';
import { startWorker, type WorkerOptions } from './worker.ts';

/** A side in a process of its own, so that the others leave no mark on its heap and its compiled code. */
export interface SideProcess extends Side {
  readonly pid: number;
  /** Core-milliseconds of the latest run, as the side has measured them; NaN when it has not. */
  readonly cpuMs: number;
  close(): Promise<void>;
}

/** What a side measures in a run; each task of its worker is one run. */
export interface Measured {
  value: number;
  cpuMs?: number;
}

/** Starts a side. @param options `file` is a path below `bench/sides` */
export async function startSide(options: WorkerOptions): Promise<SideProcess> {
  const { name } = options;
  const file = fileURLToPath(new URL(`../sides/${options.file}`, import.meta.url));
  const worker = await startWorker<'run', Measured>({ ...options, file });
  let cpuMs = Number.NaN;
  return {
    name,
    pid: worker.pid,
    get cpuMs() {
      return cpuMs;
    },
    async run() {
      const measured = await worker.ask('run');
      cpuMs = measured.cpuMs ?? Number.NaN;
      return measured.value;
    },
    close: () => worker.close(),
  };
}
