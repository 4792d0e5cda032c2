import type { LoggedError } from '@warren/kernel';

/** An error to be published. */
export interface ErrorReport {
  logged: LoggedError;
  /** When it was logged, in milliseconds since 1970. */
  at: number;
  /** Number of errors with the same code that were omitted since the last published one. */
  omitted: number;
}

export interface ErrorDigestOptions {
  /** How many errors of one code are published in one window. */
  limit: number;
  windowMs: number;
}

/** Maximum number of windows. Further codes and texts share one, so that texts that always differ neither fill the memory nor flood the broker. */
const MOST_WINDOWS = 100;

interface Window {
  since: number;
  told: number;
  /** The latest omitted report; its `omitted` counts those before it. */
  left: ErrorReport | undefined;
}

/**
 * Decides which errors are published, so that a flood of errors becomes a few events: the first ones of each code in a window at once, and the
 * last one of the rest when the window is over, with the number of omitted ones. Errors without a code are distinguished by their text.
 */
export class ErrorDigest {
  readonly #options: ErrorDigestOptions;
  readonly #windows = new Map<string, Window>();

  constructor(options: ErrorDigestOptions) {
    this.#options = options;
  }

  /** Adds an error. Returns the report to publish now; undefined if it is omitted. */
  add(logged: LoggedError, at: number): ErrorReport | undefined {
    const window = this.#windowOf(logged, at);
    if (window.told >= this.#options.limit) {
      this.#leaveOut(window, { logged, at, omitted: 0 });
      return undefined;
    }
    window.told += 1;
    const omitted = window.left ? window.left.omitted + 1 : 0;
    window.left = undefined;
    return { logged, at, omitted };
  }

  /** Returns the last omitted report of each window that is over, and removes these windows. */
  due(now: number): ErrorReport[] {
    const over = [...this.#windows].filter(([, { since }]) => now - since >= this.#options.windowMs);
    for (const [key] of over) this.#windows.delete(key);
    return over.flatMap(([, { left }]) => (left ? [left] : []));
  }

  /** Puts back a report that could not be published: it counts as omitted. */
  putBack(report: ErrorReport, now: number): void {
    this.#leaveOut(this.#windowOf(report.logged, now), report);
  }

  #windowOf(logged: LoggedError, now: number): Window {
    const own = codeOf(logged) ?? logged.message;
    const key = this.#windows.has(own) || this.#windows.size < MOST_WINDOWS ? own : '';
    const known = this.#windows.get(key);
    if (known && now - known.since < this.#options.windowMs) return known;
    const window = { since: now, told: 0, left: known?.left };
    this.#windows.set(key, window);
    return window;
  }

  #leaveOut(window: Window, report: ErrorReport): void {
    const { left } = window;
    if (!left) window.left = report;
    else window.left = { ...(left.at > report.at ? left : report), omitted: left.omitted + report.omitted + 1 };
  }
}

/** Returns the code of the error, or else that of the log line. */
export const codeOf = ({ error, code }: LoggedError): string | undefined => error?.code ?? code;
