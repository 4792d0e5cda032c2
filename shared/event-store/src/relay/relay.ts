import type { EventEnvelope, EventPublisher } from '@warren/contracts';
import type { Alerts, Component, ComponentHealth, Logger, MetricsRegistry } from '@warren/kernel';
import type { LeaderState } from '../database/create-leader.ts';
import type { DatabasePool } from '../database/create-pool.ts';
import type { EventStore, RecordedEvent } from '../log/event-store.ts';
import type { ConfirmHistoryPace } from './confirm-history.ts';

/**
 * Returns the messages to publish for a recorded event: one, several in order, or none (undefined). Their ids must be the same at every call,
 * because all of them are published again if one fails. If it throws, the event is parked and retried.
 */
export type ToWire = (event: RecordedEvent) => EventEnvelope | readonly EventEnvelope[] | undefined;

/** The pace of a relay. Times are in milliseconds. */
export interface RelayPace {
  /** Number of events read at once. @default 500 */
  pageSize: number;
  /**
   * Pause between two reads of the log at rest. It finds what no commit has announced; what this process commits, and what other instances
   * announce, does not wait for it. @default 1000
   */
  pollMs: number;
  /** How often the cursor is stored while events are published. @default 200 */
  checkpointMs: number;
  /**
   * Pause before an event of a refused kind is retried. It doubles up to 30 times this value, and ends on a reconnection. @default 1000
   */
  retryMs: number;
  /** Maximum number of events that are read or published but not yet passed by the cursor; the last page may exceed it. @default 2000 */
  maxInFlight: number;
  /** How long the publication time of a parked event is kept (`parked_events.published_at`). @default 86400000 (1 day) */
  keepPublishedMs: number;
  /** How long `stop` may take to publish the events read and receive their confirms: below a quarter of the lifecycle's `drainTimeoutMs`. @default 2000 */
  drainMs: number;
}

export interface RelayOptions extends Partial<RelayPace> {
  /** The pool of the store. The relay keeps one additional connection. */
  pool: DatabasePool;
  /** Events that it commits are published at once, from memory; without it the relay only polls. */
  store?: Pick<EventStore, 'onCommitted'>;
  publisher: EventPublisher;
  /** Called for each event that has a routing key. @default the event's own envelope */
  toWire?: ToWire;
  /** Records by when events were confirmed, for `isConfirmed`. @default not recorded */
  confirmHistory?: ConfirmHistoryPace;
  /** Name of the cursor and of the lock. @default 'outbox' */
  name?: string;
  logger?: Logger;
  metrics?: MetricsRegistry;
  /** Where refused events are reported. @default only in the log */
  alerts?: Alerts;
}

/** The state of the relay's leader; a relay publishes while `leading`. */
export type RelayState = LeaderState;

export interface Relay extends Component {
  readonly state: RelayState;
  /** Starts in the background; the database may still be unavailable. */
  start(): Promise<void>;
  /**
   * Reads up to what is published, publishes the events read, waits for their confirms (at most `drainMs`), stores the cursor and releases the
   * lock. Events that wait for a retry or for the broker are left to the next relay.
   */
  stop(): Promise<void>;
  /** Down while the relay has no database session. `details` has the state, the lag (see `RelayLag`), and the refused kinds of events with their reasons. */
  health(): Promise<ComponentHealth>;
  /** Reads the log now, if this relay leads. */
  wake(): void;
}
