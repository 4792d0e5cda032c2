import type { AlertKind, Alerts } from '@warren/kernel';
import { storeAlerts } from '../log/store-alerts.ts';
import { isDatabaseError } from './database-errors.ts';

/** What a database refuses is over when it was not met for this long, in milliseconds, unless something shows it before. */
const LAPSE_MS = 60_000;

/** By SQLSTATE (PostgreSQL manual, appendix A). What is none of these is an error of one statement, and up to its caller. */
const KINDS: readonly (readonly [RegExp, AlertKind])[] = [
  [/^25006$/, storeAlerts.DATABASE_READ_ONLY],
  [/^53300$/, storeAlerts.DATABASE_CONNECTIONS_EXHAUSTED],
  [/^53/, storeAlerts.DATABASE_OUT_OF_RESOURCES],
  [/^28/, storeAlerts.DATABASE_LOGIN_REFUSED],
  [/^3D000$/, storeAlerts.DATABASE_MISSING],
  [/^42501$/, storeAlerts.DATABASE_RIGHT_MISSING],
  [/^(57P0[12]|25P0[34])$/, storeAlerts.DATABASE_SESSIONS_LOST],
];

/** Over once a new session could be opened. */
const CONNECTING = [
  storeAlerts.DATABASE_UNREACHABLE,
  storeAlerts.DATABASE_CONNECTIONS_EXHAUSTED,
  storeAlerts.DATABASE_LOGIN_REFUSED,
  storeAlerts.DATABASE_MISSING,
];

/** Reports what a database refuses a service: every one of its sessions tells it, so that each condition is one alert. */
export interface DatabaseRefusals {
  /** True for what is reported here, so that nobody else has to. */
  covers(error: unknown): boolean;
  /** The server refused a statement. */
  statementRefused(error: unknown): void;
  /** No session could be opened. */
  notConnected(error: unknown): void;
  /** One could. */
  connected(): void;
  sessionLost(error: Error): void;
  /** The server says that it takes no writes. */
  readOnly(reason: string): void;
  /** It says that it takes them. */
  writable(): void;
  poolExhausted(reason: string): void;
  /** Ends what has not been met for a minute. To be called now and then. */
  expire(): void;
}

/** @param database which one: shown as the subject, without user and password */
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

/** Which table or schema a right is missing on: there are only so many. */
function subjectOf(kind: AlertKind, error: unknown): string | undefined {
  if (kind !== storeAlerts.DATABASE_RIGHT_MISSING) return undefined;
  return /^permission denied for (.{1,200})$/.exec(messageOf(error))?.[1];
}

/** Node's answer for a host with several addresses has its messages inside. */
function messageOf(error: unknown): string {
  const { message, errors } = error as Error & Partial<AggregateError>;
  return message || (errors?.[0] as Error | undefined)?.message || 'no reason was given';
}
