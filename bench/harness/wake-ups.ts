import { readdirSync, readFileSync } from 'node:fs';
import { processTree } from './cpu-time.ts';

/**
 * Begins to count how often the threads of a process and all below it wait for something and are woken: voluntary context switches. The result
 * returns the number so far, without those of threads that have ended meanwhile; undefined where there is no /proc.
 */
export function startWakeUpCount(pid: number): () => number | undefined {
  const before = readThreads(pid);
  return () => {
    const now = readThreads(pid);
    return now && [...now].reduce((sum, [thread, count]) => sum + count - (before?.get(thread) ?? 0), 0);
  };
}

/** The count of each thread, by its id. */
function readThreads(pid: number): Map<string, number> | undefined {
  const folders = processTree(pid)?.map((stat) => `/proc/${stat.pid}/task`);
  return folders && new Map(folders.flatMap(readProcess));
}

function readProcess(folder: string): [string, number][] {
  const threads = unlessEnded(() => readdirSync(folder)) ?? [];
  return threads.flatMap((thread): [string, number][] => {
    const status = unlessEnded(() => readFileSync(`${folder}/${thread}/status`, 'utf8'));
    return status === undefined ? [] : [[thread, Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1])]];
  });
}

/** A process or a thread may end at any time; then there is nothing to read. */
function unlessEnded<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
