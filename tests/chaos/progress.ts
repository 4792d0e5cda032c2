import type { FaultRunner } from './faults/fault-runner.ts';
import type { ClientLoad } from './load/client-load.ts';
import type { ClientRecord } from './load/client-record.ts';

export interface ProgressOptions {
  runner: Pick<FaultRunner, 'outcomes' | 'active'>;
  load: Pick<ClientLoad, 'sent'>;
  record: ClientRecord;
  /** How many faults there will be. */
  total: number;
  say(line: string): void;
}

export interface Progress {
  /** Names the phase that begins now. */
  enter(phase: string): void;
  stop(): void;
}

/** A terminal shows one line that is rewritten; a file gets a new line now and then. */
const EVERY_MS = process.stdout.isTTY ? 500 : 10_000;

/** Reports the progress of the run. */
export function createProgress({ runner, load, record, total, say }: ProgressOptions): Progress {
  const startedAt = Date.now();
  let phase = 'faults';

  function line(): string {
    const active = [...runner.active].map(({ kind, service }) => `${kind} (${service})`).join(', ');
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    const done = `${runner.outcomes.length}/${total} faults, ${load.sent} orders sent, ${record.accepted.size} answered 201`;
    return `${seconds} s · ${phase} · ${done}${active ? ` · now: ${active}` : ''}`;
  }

  function show(): void {
    const width = (process.stdout.columns ?? 100) - 1;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line().slice(0, width)}`);
    else say(line());
  }

  const timer = setInterval(show, EVERY_MS);
  return {
    enter(next) {
      phase = next;
      show();
    },
    stop() {
      clearInterval(timer);
      if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
    },
  };
}
