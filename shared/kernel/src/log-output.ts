import { writeSync } from 'node:fs';

/** How many bytes wait for a slow reader; lines beyond that are dropped. */
export const LOG_BUFFER_BYTES = 8_388_608;

const STDOUT = 1;
const NEXT_TRY_MS = { moving: 1, stuck: 100 };
/** How long the exit waits for a reader that takes nothing, in milliseconds. */
const EXIT_PATIENCE_MS = 5000;

const READER_IS_GONE = ['EPIPE', 'EIO', 'EBADF'];

/** Log lines that were dropped. */
export interface DroppedLines {
  lines: number;
  /** When the first line was dropped, ISO 8601. */
  since: string;
}

/**
 * Standard output that never blocks the process and never fills its memory. `write` returns only after everything the reader has room for
 * is written, so not even `kill -9` loses it. While a pipe is full because its reader is slow or hangs, lines wait in order, up to
 * `LOG_BUFFER_BYTES`; further lines are dropped and counted. Waiting lines are written before the process exits, unless the reader takes
 * nothing for 5 s.
 *
 * There is one per process, so that lines never interleave.
 */
class LogOutput {
  #lines: Buffer[] = [];
  /** What is being written; it precedes `#lines`. */
  #current: Buffer = Buffer.alloc(0);
  #waitingBytes = 0;
  #dropped: DroppedLines | undefined;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  /** How many lines were dropped since the process started. */
  droppedTotal = 0;
  /** Called when the reader has caught up after lines were dropped. */
  onCaughtUp: ((dropped: DroppedLines) => void) | undefined;

  constructor() {
    // Reading `process.stdout` makes a pipe non-blocking. The listener keeps a reader that has gone from ending the process.
    process.stdout.on('error', () => undefined);
    process.on('exit', () => this.#drain());
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#closed || this.#waitingBytes + bytes.length > LOG_BUFFER_BYTES) {
      this.#dropped ??= { lines: 0, since: new Date().toISOString() };
      this.#dropped.lines += 1;
      this.droppedTotal += 1;
      return;
    }
    this.#lines.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#timer) this.#writeOn();
  }

  /** Writes until nothing waits or the reader has no room, then tries again a little later. */
  #writeOn(): void {
    const moved = this.#writeWhatFits();
    this.#timer = undefined;
    if (this.#waitingBytes > 0) {
      this.#timer = setTimeout(() => this.#writeOn(), moved ? NEXT_TRY_MS.moving : NEXT_TRY_MS.stuck).unref();
    } else if (this.#dropped && !this.#closed) {
      const dropped = this.#dropped;
      this.#dropped = undefined;
      this.onCaughtUp?.(dropped);
    }
  }

  /** Returns whether the reader took anything. */
  #writeWhatFits(): boolean {
    let moved = false;
    while (this.#waitingBytes > 0) {
      if (this.#current.length === 0) {
        this.#current = this.#lines.length === 1 ? (this.#lines[0] as Buffer) : Buffer.concat(this.#lines);
        this.#lines = [];
      }
      const written = this.#tryWrite(this.#current);
      if (written === 0) break;
      moved = true;
      this.#waitingBytes -= written;
      this.#current = this.#current.subarray(written);
    }
    return moved;
  }

  /** Returns how many bytes were taken: 0 while the pipe or the disk has no room. */
  #tryWrite(bytes: Buffer): number {
    try {
      return writeSync(STDOUT, bytes);
    } catch (error) {
      if (READER_IS_GONE.includes((error as NodeJS.ErrnoException).code ?? '')) this.#close();
      return 0;
    }
  }

  #close(): void {
    this.#closed = true;
    this.#lines = [];
    this.#current = Buffer.alloc(0);
    this.#waitingBytes = 0;
  }

  #drain(): void {
    const clock = new Int32Array(new SharedArrayBuffer(4));
    for (let stuckMs = 0; this.#waitingBytes > 0 && stuckMs < EXIT_PATIENCE_MS; ) {
      stuckMs = this.#writeWhatFits() ? 0 : stuckMs + 10;
      if (this.#waitingBytes > 0) Atomics.wait(clock, 0, 0, 10);
    }
  }
}

let output: LogOutput | undefined;

/** The process's standard output for logs. */
export function logOutput(): LogOutput {
  output ??= new LogOutput();
  return output;
}

/** How many log lines were dropped since the process started, because nobody read them. */
export function droppedLogLines(): number {
  return output?.droppedTotal ?? 0;
}
