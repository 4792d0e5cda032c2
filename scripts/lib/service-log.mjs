/** How many lines are buffered before the service is ready, and kept to explain its end. */
const KEPT_LINES = 200;
const COLOURS = { warn: '\u001b[33m', error: '\u001b[31m', fatal: '\u001b[31m' };
/** Fields that every line has, or that are formatted separately. */
const SHOWN_ALREADY = new Set(['level', 'time', 'service', 'pid', 'hostname', 'msg', 'err']);

/**
 * Shows the output of a service, one readable line per log entry. Shows nothing before `release`: if a service does not start, one clear
 * message is more useful than the whole log.
 * @param {object} options
 * @param {string} options.name
 * @param {(line: string) => void} options.write
 * @param {boolean} [options.colour]
 */
export function createServiceLog({ name, write, colour = false }) {
  /** @type {{text: string, entry: Entry | undefined, stream: string}[]} */
  const kept = [];
  let released = false;
  const show = (/** @type {{text: string, entry: Entry | undefined}} */ { text, entry }) =>
    write(entry ? formatEntry(entry, name, colour) : `${''.padEnd(8)} ${name.padEnd(11)} ${text}`);
  return {
    /** @param {string} text @param {'stdout' | 'stderr'} stream */
    onLine(text, stream) {
      const line = { text, entry: parseEntry(text), stream };
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
      if (released) show(line);
    },
    release() {
      if (!released) kept.forEach(show);
      released = true;
    },
    /** Why it ended, from its own output: standard error, or else its last error, or else its last lines. @returns {string} */
    lastWords() {
      const plain = kept.filter(({ entry, stream }) => !entry && stream === 'stderr').map(({ text }) => text);
      if (plain.length > 0) return plain.join('\n');
      const errors = kept.flatMap(({ entry }) =>
        entry && (entry.level === 'fatal' || entry.level === 'error') ? [entry] : [],
      );
      const last = errors.findLast(({ err }) => err?.message) ?? errors.at(-1);
      if (last) return [last.msg, last.err?.message].filter(Boolean).join(': ');
      return kept
        .slice(-5)
        .map(({ text }) => text)
        .join('\n');
    },
  };
}

/**
 * @typedef {{level?: string, time?: string, msg?: string, err?: {type?: string, message?: string, stack?: string}, [field: string]: unknown}} Entry
 */

/** @param {string} text @returns {Entry | undefined} */
function parseEntry(text) {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {Entry} entry @param {string} name @param {boolean} colour */
function formatEntry(entry, name, colour) {
  const { level = 'info', time = '', msg = '', err } = entry;
  const fields = Object.entries(entry)
    .filter(([field]) => !SHOWN_ALREADY.has(field))
    .map(([field, value]) => `${field}=${formatValue(value)}`);
  const loud = level === 'info' || level === 'debug' || level === 'trace' ? '' : `${level.toUpperCase()} `;
  const reason = err ? [err.stack && isBug(level) ? err.stack : (err.message ?? '')] : [];
  const line = [`${clockTime(time)} ${name.padEnd(11)} ${loud}${msg}`, ...fields, ...reason].join('  ');
  const start = colour ? COLOURS[/** @type {keyof typeof COLOURS} */ (level)] : undefined;
  return start ? `${start}${line}\u001b[0m` : line;
}

/** @param {unknown} value */
function formatValue(value) {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : JSON.stringify(value);
}

/** Local wall-clock time. @param {string} iso */
function clockTime(iso) {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? ''.padEnd(8) : time.toTimeString().slice(0, 8);
}

/** The stack of a warning is not useful. @param {string} level */
function isBug(level) {
  return level === 'error' || level === 'fatal';
}
