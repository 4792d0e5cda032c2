import type { DeadLetter } from '@warren/event-bus';
import { type DeadLetterRow, formatDeadLetters, toJson } from './dead-letter-view.ts';
import type { Terminal } from './terminal.ts';

/** Writes dead letters as they come, and keeps no more of them than a page. */
export interface DeadLetterPrinter {
  add(letter: DeadLetter): void;
  /** Writes what is left. */
  end(): void;
}

/** Lines of a table are lined up with those of their page. */
const PAGE_ROWS = 500;

/** A table, a page at a time. */
export function createTablePrinter({ out }: Pick<Terminal, 'out'>): DeadLetterPrinter {
  let page: DeadLetterRow[] = [];

  function end(): void {
    if (page.length > 0) out(formatDeadLetters(page));
    page = [];
  }

  return {
    // Without the body, the headers and the stack, which are the most of it.
    add({ queue, id, type, reason, code, attempts, replays, lastFailedAt }) {
      page.push({ queue, id, type, reason, code, attempts, replays, lastFailedAt });
      if (page.length >= PAGE_ROWS) end();
    },
    end,
  };
}

/** One JSON array with everything about each. */
export function createJsonPrinter({ out }: Pick<Terminal, 'out'>): DeadLetterPrinter {
  let count = 0;
  return {
    add(letter) {
      const indented = JSON.stringify(toJson(letter), null, 2).replace(/^/gm, '  ');
      out(`${count === 0 ? '[' : ','}\n${indented}`);
      count += 1;
    },
    end: () => out(count === 0 ? '[]\n' : '\n]\n'),
  };
}
