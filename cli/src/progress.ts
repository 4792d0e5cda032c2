import type { Terminal } from './terminal.ts';

const WIDTH = 24;
const INTERVAL_MS = 100;

/** A progress line on standard error; prints nothing if that is not a terminal. */
export interface Progress {
  show(done: number, total: number, note: string): void;
  /** Removes the line. */
  end(): void;
}

export function createProgress(terminal: Terminal, what: string): Progress {
  let shownAt = 0;
  return {
    show(done, total, note) {
      const now = Date.now();
      if (!terminal.interactive || (now - shownAt < INTERVAL_MS && done < total)) return;
      shownAt = now;
      const part = total === 0 ? 1 : Math.min(1, done / total);
      const bar = '#'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '.');
      const line = `${what} [${bar}] ${done}/${total}, ${note}`;
      terminal.err(`\r\u001b[K${line.slice(0, (terminal.columns ?? 100) - 1)}`);
    },
    end() {
      if (shownAt > 0) terminal.err('\r\u001b[K');
    },
  };
}
