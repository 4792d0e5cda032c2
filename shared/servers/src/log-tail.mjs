import { readFileSync } from 'node:fs';

/** The last lines of a log file, for a message. @param {string} file @param {number} [lines] */
export function tailOf(file, lines = 12) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '(no log)';
  }
}
