import type { Terminal } from '../src/terminal.ts';

/** A terminal that keeps what is written to it. */
export function createRecordingTerminal(env: Terminal['env'] = {}) {
  const written = { out: '', err: '' };
  const terminal: Terminal = {
    env,
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
  };
  return { terminal, written };
}
