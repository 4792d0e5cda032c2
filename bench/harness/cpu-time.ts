import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of /proc per second; the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** In kB; the same on the machines that Node runs on, but for a few with larger pages. */
const PAGE_KB = 4;

interface ProcessStat {
  pid: number;
  parent: number;
  ms: number;
  residentMegabytes: number;
}

/**
 * Core-milliseconds that a process and all below it have used, ended children included.
 * @returns undefined where there is no /proc
 */
export function cpuTimeOf(pid: number): number | undefined {
  return sumOfTree(pid, 'ms');
}

/**
 * Resident memory in MB of a process and all below it; what they share counts for each.
 * @returns undefined where there is no /proc
 */
export function memoryOf(pid: number): number | undefined {
  return sumOfTree(pid, 'residentMegabytes');
}

function sumOfTree(pid: number, figure: 'ms' | 'residentMegabytes'): number | undefined {
  return processTree(pid)?.reduce((sum, stat) => sum + stat[figure], 0);
}

/** A process and all below it; undefined where there is no /proc. */
export function processTree(pid: number): ProcessStat[] | undefined {
  const table = readProcesses();
  if (!table) return undefined;
  const found: ProcessStat[] = [];
  const todo = [pid];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const stat = table.get(next);
    if (stat) found.push(stat);
    for (const child of table.values()) if (child.parent === next) todo.push(child.pid);
  }
  return found;
}

function readProcesses(): Map<number, ProcessStat> | undefined {
  if (process.platform !== 'linux') return undefined;
  const table = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // The name of the program stands in parentheses and may hold anything; numbers follow.
      const [, rest = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      const fields = rest.split(' ').map(Number);
      const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + (fields[index] ?? 0), 0);
      table.set(Number(name), {
        pid: Number(name),
        parent: fields[1] ?? 0,
        ms: (ticks * 1000) / TICKS_PER_SECOND,
        residentMegabytes: ((fields[21] ?? 0) * PAGE_KB) / 1024,
      });
    } catch {
      // It has ended since the folder was read.
    }
  }
  return table;
}
