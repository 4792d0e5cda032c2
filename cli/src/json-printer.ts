import type { DeadLetter } from '@warren/event-bus';
import { toJson } from './dead-letter-view.ts';
import { formatJson } from './format-json.ts';
import type { Terminal } from './terminal.ts';

/** Writes dead letters as they arrive, without keeping them in memory. */
export interface JsonPrinter {
  add(letter: DeadLetter): void;
  /** Writes the end of the array. */
  end(): void;
}

/** Prints one JSON array with everything about each dead letter. */
export function createJsonPrinter({ out }: Pick<Terminal, 'out'>): JsonPrinter {
  let count = 0;
  return {
    add(letter) {
      const indented = formatJson(toJson(letter)).trimEnd().replace(/^/gm, '  ');
      out(`${count === 0 ? '[' : ','}\n${indented}`);
      count += 1;
    },
    end: () => out(count === 0 ? '[]\n' : '\n]\n'),
  };
}
