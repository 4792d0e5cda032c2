import { createInterface } from 'node:readline/promises';

/** The environment of a command: its output, and its input besides the arguments. */
export interface Terminal {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  env: Record<string, string | undefined>;
  /** Directory of the services, one folder each. */
  services: URL;
  /** Width in characters, if the output is a terminal. */
  columns?: number;
  /** True when a person reads standard error and can answer. */
  interactive: boolean;
  /** Asks a question: y or yes means yes, anything else no. Only if {@link interactive}. */
  confirm(question: string): Promise<boolean>;
}

/** The terminal of this process. A reader that goes away (`warren … | head`) ends the process quietly. */
export function processTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    services: new URL('../../services/', import.meta.url),
    columns: process.stdout.columns ?? process.stderr.columns,
    interactive: Boolean(process.stdin.isTTY && process.stderr.isTTY),
    confirm: ask,
  };
}

async function ask(question: string): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await reader.question(question)).trim());
  } finally {
    reader.close();
  }
}
