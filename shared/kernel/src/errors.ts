/**
 * What went wrong, in terms that the caller can act on. Exactly two tables map these kinds: `http` maps a kind to a status, `event-bus`
 * maps it to what happens to the message.
 *
 * | kind | over HTTP | for a message |
 * |---|---|---|
 * | `invalid` | 400 | dead-letter now |
 * | `not-found` | 404 | retry briefly, then dead-letter |
 * | `conflict` | 409 | reload and decide again |
 * | `refused` | 422 | it is an event, not an error: ack |
 * | `transient` | 503 + Retry-After | delayed retry with backoff |
 * | `fault` | 500, no details | few retries, then dead-letter |
 */
export const ERROR_KINDS = ['invalid', 'not-found', 'conflict', 'refused', 'transient', 'fault'] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

export interface AppErrorOptions {
  /** Stable, upper-case name of the error, e.g. `ORDER_NOT_FOUND`. Documented in docs/errors.md. */
  code: string;
  kind: ErrorKind;
  /** One sentence for a person: what is wrong and, where it helps, what to do about it. */
  message: string;
  /** Facts for people or programs, without secrets. @default {} */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** The one error class of the system. Recognise it by `code`, never by `instanceof` (see {@link isAppError}). */
export class AppError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly details: Record<string, unknown>;

  constructor({ code, kind, message, details = {}, cause }: AppErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AppError';
    this.code = code;
    this.kind = kind;
    this.details = details;
  }
}

/** True for an error with a `code` and a known `kind`, even one built by another copy of this package. */
export function isAppError(value: unknown): value is AppError {
  if (!(value instanceof Error)) return false;
  const { code, kind } = value as Partial<AppError>;
  return typeof code === 'string' && ERROR_KINDS.some((known) => known === kind);
}

/** Returns an {@link AppError} unchanged. Anything else becomes a `fault` with code `UNEXPECTED`. */
export function toAppError(value: unknown): AppError {
  if (isAppError(value)) return value;
  const message = value instanceof Error ? value.message : String(value);
  return kernelErrors.UNEXPECTED(message || 'unknown error', { cause: value });
}

interface ErrorDefinition {
  kind: ErrorKind;
  /** What the error means and what to do about it: the text of docs/errors.md. */
  meaning: string;
}

type ErrorFactory = (message: string, more?: Pick<AppErrorOptions, 'details' | 'cause'>) => AppError;

const catalogue = new Map<string, ErrorDefinition>();

/**
 * Declares the error codes of a package or service and returns a constructor for each: `throw orderErrors.ORDER_NOT_FOUND('no order 42')`.
 * {@link errorCatalogue} lists all codes declared so far.
 */
export function defineErrors<const Definitions extends Record<string, ErrorDefinition>>(
  definitions: Definitions,
): { readonly [Code in keyof Definitions]: ErrorFactory } {
  const factories: Record<string, ErrorFactory> = {};
  for (const [code, definition] of Object.entries(definitions)) {
    catalogue.set(code, definition);
    factories[code] = (message, more) => new AppError({ code, kind: definition.kind, message, ...more });
  }
  return factories as { readonly [Code in keyof Definitions]: ErrorFactory };
}

/** Every error code declared in this process, in the order of declaration. A test compares it with docs/errors.md. */
export function errorCatalogue(): ReadonlyMap<string, Readonly<ErrorDefinition>> {
  return catalogue;
}

export const kernelErrors = defineErrors({
  UNEXPECTED: { kind: 'fault', meaning: 'A bug or another unexpected error. The log has its stack.' },
  CONFIG_INVALID: {
    kind: 'invalid',
    meaning:
      'One or more settings are missing or invalid. The message lists all of them; correct them and start again.',
  },
  SHUTTING_DOWN: {
    kind: 'transient',
    meaning: 'The process is stopping and accepts no new work. Send the request again; another instance answers.',
  },
  COMPONENT_TIMEOUT: {
    kind: 'fault',
    meaning:
      'A component did not answer in time: a readiness check or a scrape within 1.5 s, or a stop within its share of DRAIN_TIMEOUT_MS. Its unfinished work is delivered again after the restart.',
  },
});
