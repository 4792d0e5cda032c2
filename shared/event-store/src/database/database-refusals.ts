import type { AlertKind, Alerts } from '@warren/kernel';
import { storeAlerts } from '../log/store-alerts.ts';
import { isDatabaseError } from './database-errors.ts';

/** A refusal is considered over when it has not recurred for this many milliseconds, unless something shows earlier that it is over. */
const LAPSE_MS = 60_000;

/** Alerts by SQLSTATE (PostgreSQL manual, appendix A). Any other error concerns one statement, and its caller handles it. */
const KINDS: readonly (readonly [RegExp, AlertKind])[] = [
  [/^25006$/, storeAlerts.DATABASE_READ_ONLY],
  [/^53300$/, storeAlerts.DATABASE_CONNECTIONS_EXHAUSTED],
  [/^53/, storeAlerts.DATABASE_OUT_OF_RESOURCES],
  [/^28/, storeAlerts.DATABASE_LOGIN_REFUSED],
  [/^3D000$/, storeAlerts.DATABASE_MISSING],
  [/^42501$/, storeAlerts.DATABASE_RIGHT_MISSING],
  [/^(57P0[12]|25P0[34])$/, storeAlerts.DATABASE_SESSIONS_LOST],
];

/** Alerts that are cleared when a new session is opened. */
const CONNECTING = [
  storeAlerts.DATABASE_UNREACHABLE,
  storeAlerts.DATABASE_CONNECTIONS_EXHAUSTED,
  storeAlerts.DATABASE_LOGIN_REFUSED,
  storeAlerts.DATABASE_MISSING,
];

/** Raises alerts for what a database refuses a service. All sessions of the service report here, so that each condition is one alert. */
export interface DatabaseRefusals {
  /** True for errors that are reported here, so that callers need not report them. */
  covers(error: unknown): boolean;
  /** The server refused a statement. */
  statementRefused(error: unknown): void;
  /** A session could not be opened. */
  notConnected(error: unknown): void;
  /** A session was opened. */
  connected(): void;
  sessionLost(error: Error): void;
  /** The server reports that it is read-only. */
  readOnly(reason: string): void;
  /** The server reports that it accepts writes. */
  writable(): void;
  poolExhausted(reason: string): void;
  /** Clears alerts that have not recurred for a minute. Call it periodically. */
  expire(): void;
}

/** @param database shown as the subject of the alerts, without user and password */
export function createDatabaseRefusals(alerts: Alerts, database: string): DatabaseRefusals {
  const lastMet = new Map<string, { kind: AlertKind; subject: string; at: number }>();

  function raise(kind: AlertKind, reason: string, subject = database): void {
    lastMet.set(`${kind.code} ${subject}`, { kind, subject, at: Date.now() });
    alerts.raise(kind, { subject, reason });
  }

  function clear(kind: AlertKind, subject = database): void {
    if (lastMet.delete(`${kind.code} ${subject}`)) alerts.clear(kind, subject);
  }

  function statementRefused(error: unknown): void {
    const kind = kindOf(error);
    if (kind) raise(kind, messageOf(error), subjectOf(kind, error));
  }

  return {
    covers: (error) => kindOf(error) !== undefined,
    statementRefused,
    notConnected: (error) => raise(kindOf(error) ?? storeAlerts.DATABASE_UNREACHABLE, messageOf(error)),
    connected() {
      for (const kind of CONNECTING) clear(kind);
    },
    sessionLost: (error) => raise(storeAlerts.DATABASE_SESSIONS_LOST, messageOf(error)),
    readOnly: (reason) => raise(storeAlerts.DATABASE_READ_ONLY, reason),
    writable: () => clear(storeAlerts.DATABASE_READ_ONLY),
    poolExhausted: (reason) => raise(storeAlerts.DATABASE_POOL_EXHAUSTED, reason),
    expire() {
      const before = Date.now() - LAPSE_MS;
      for (const { kind, subject, at } of lastMet.values()) if (at < before) clear(kind, subject);
    },
  };
}

function kindOf(error: unknown): AlertKind | undefined {
  if (!isDatabaseError(error)) return undefined;
  return KINDS.find(([states]) => states.test(error.code ?? ''))?.[1];
}

/** Returns the table or schema that a permission is missing on. Their number is bounded, so each is a subject of its own. */
function subjectOf(kind: AlertKind, error: unknown): string | undefined {
  if (kind !== storeAlerts.DATABASE_RIGHT_MISSING) return undefined;
  return /^permission denied for (.{1,200})$/.exec(messageOf(error))?.[1];
}

/** The AggregateError that Node throws for a host with several addresses has its messages in `errors`. */
function messageOf(error: unknown): string {
  const { message, errors } = error as Error & Partial<AggregateError>;
  return message || (errors?.[0] as Error | undefined)?.message || 'no reason given';
}
