import type { Terminal } from '../src/terminal.ts';

export const SERVICES = new URL('../../services/', import.meta.url);

/** A terminal that keeps what is written to it. With an answer it counts as one that a person sits at. */
export function createRecordingTerminal(env: Terminal['env'] = {}, answer?: boolean, services = SERVICES) {
  const written = { out: '', err: '' };
  const terminal: Terminal = {
    env,
    services,
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
