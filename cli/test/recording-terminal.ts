import type { Terminal } from '../src/terminal.ts';

/** A terminal that keeps what is written to it. With an answer it counts as one that a person sits at. */
export function createRecordingTerminal(env: Terminal['env'] = {}, answer?: boolean) {
  const written = { out: '', err: '' };
  const terminal: Terminal = {
    env,
    interactive: answer !== undefined,
    confirm: async (question) => {
      written.err += question;
      return answer ?? false;
    },
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
  };
  return { terminal, written };
}
