import { writeSync } from 'node:fs';

/** How many bytes wait for a reader that does not read; what comes on top is dropped. */
export const LOG_BUFFER_BYTES = 8_388_608;

const STDOUT = 1;
const NEXT_TRY_MS = { moving: 1, stuck: 100 };
/** How long the exit waits for a reader that takes nothing. */
const EXIT_PATIENCE_MS = 5000;

const READER_IS_GONE = ['EPIPE', 'EIO', 'EBADF'];

/** What was not logged. */
export interface DroppedLines {
  lines: number;
  /** When the first of them was dropped, ISO 8601. */
  since: string;
}

/**
 * Standard output that never blocks the process. Whatever the reader has room for is written at once, as part of `write`, so a crash loses nothing. A pipe that is
 * full, because its reader is slow or hangs, blocks a process that writes to it: here lines wait instead, in order, up to
 * `LOG_BUFFER_BYTES`, and further ones are dropped and counted. What waits is written before the process exits, unless the reader takes nothing for 5 s.
 *
 * One for each process, because lines must not be mixed.
 */
class LogOutput {
  #lines: Buffer[] = [];
  /** What is being written of the lines before those. */
  #current: Buffer = Buffer.alloc(0);
  #waitingBytes = 0;
  #dropped: DroppedLines | undefined;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  /** How many lines were dropped since the process began. */
  droppedTotal = 0;
  /** Called when the reader has caught up after lines were dropped. */
  onCaughtUp: ((dropped: DroppedLines) => void) | undefined;

  constructor() {
    // For its effect alone: it makes a pipe non-blocking. A reader that has gone ends no process.
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

  /** Writes until nothing waits or the reader has no room; then tries again a little later. */
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
        this.#current = Buffer.concat(this.#lines);
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

  /** Returns how much was taken: nothing while there is no room, in the pipe or on the disk. */
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

/** How many lines of the log were dropped since the process began, because nobody read them. */
export function droppedLogLines(): number {
  return output?.droppedTotal ?? 0;
}
