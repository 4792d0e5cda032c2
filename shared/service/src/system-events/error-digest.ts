import type { LoggedError } from '@warren/kernel';

/** An error that is to be told. */
export interface ErrorReport {
  logged: LoggedError;
  /** When it was logged, in milliseconds since 1970. */
  at: number;
  /** How many of the same code were left out since the last one that was told. */
  omitted: number;
}

export interface ErrorDigestOptions {
  /** How many errors of one code are told in one window. */
  limit: number;
  windowMs: number;
}

/** Further codes and texts share one: texts that differ each time must neither fill the memory nor make a flood. */
const MOST_WINDOWS = 100;

interface Window {
  since: number;
  told: number;
  /** The latest that was left out; `omitted` counts those before it. */
  left: ErrorReport | undefined;
}

/**
 * Decides which errors are told, so that a flood of them makes a few events: of each code the first ones of a window at once, and of the
 * rest the last one when the window is over, with how many it stands for. Errors without a code are told apart by their text.
 */
export class ErrorDigest {
  readonly #options: ErrorDigestOptions;
  readonly #windows = new Map<string, Window>();

  constructor(options: ErrorDigestOptions) {
    this.#options = options;
  }

  /** The report to be told now, if it is one. */
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

  /** What the windows that are over have left out. */
  due(now: number): ErrorReport[] {
    const over = [...this.#windows].filter(([, { since }]) => now - since >= this.#options.windowMs);
    for (const [key] of over) this.#windows.delete(key);
    return over.flatMap(([, { left }]) => (left ? [left] : []));
  }

  /** Takes back one that could not be told: it counts as left out. */
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

/** The code of the error, or the one that the line names. */
export const codeOf = ({ error, code }: LoggedError): string | undefined => error?.code ?? code;
