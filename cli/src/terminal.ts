/** The outside world of a command: where it writes and what it is told besides its arguments. */
export interface Terminal {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  env: Record<string, string | undefined>;
  /** Width in characters, if the output is a terminal. */
  columns?: number;
}

/** The terminal of this process. A reader that goes away (`warren … | head`) ends the process quietly. */
export function processTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    columns: process.stdout.columns,
  };
}
