import type { EventEnvelope, EventPublisher } from '@warren/contracts';
import type { Alerts, Component, ComponentHealth, Logger, MetricsRegistry } from '@warren/kernel';
import type { LeaderState } from '../database/create-leader.ts';
import type { DatabasePool } from '../database/create-pool.ts';
import type { EventStore, RecordedEvent } from '../log/event-store.ts';
import type { ConfirmHistoryPace } from './confirm-history.ts';

/**
 * What goes out for a recorded event: one message, several in their order, or none (undefined). Their ids must be the same at every call,
 * because all of them go out again when one has failed. When it throws, the event is parked and tried again.
 */
export type ToWire = (event: RecordedEvent) => EventEnvelope | readonly EventEnvelope[] | undefined;

/** How a relay goes about its work. Times are in milliseconds. */
export interface RelayPace {
  /** Events read at once. @default 500 */
  pageSize: number;
  /** The longest pause between two looks at the log. @default 200 */
  pollMs: number;
  /** How often the cursor is stored. @default 50 */
  checkpointMs: number;
  /**
   * The pause before an event of a refused kind is tried again. It doubles up to 30 times this, and ends with a reconnection. @default 1000
   */
  retryMs: number;
  /** The most events that are read and not yet passed; the last page may go beyond it. @default 2000 */
  maxInFlight: number;
  /** How long it is remembered when a parked event was published (`parked_events.published_at`). @default 1 day */
  keepPublishedMs: number;
  /** How long `stop` may take to publish what was read, with its confirms: below a quarter of the lifecycle's `drainTimeoutMs`. @default 2000 */
  drainMs: number;
}

export interface RelayOptions extends Partial<RelayPace> {
  /** The pool of the store. The relay keeps one more connection of its own. */
  pool: DatabasePool;
  /** Its commits wake the relay at once; without it only the poll does. */
  store?: Pick<EventStore, 'onCommitted'>;
  publisher: EventPublisher;
  /** Asked for each event that has a routing key. @default the event as it is */
  toWire?: ToWire;
  /** Remembers by when events were confirmed (`isConfirmed`). @default not */
  confirmHistory?: ConfirmHistoryPace;
  /** Name of the cursor and of the lock. @default 'outbox' */
  name?: string;
  logger?: Logger;
  metrics?: MetricsRegistry;
  /** Where it is reported that events are refused. @default nowhere but in the log */
  alerts?: Alerts;
}

/** As of any leader; `leading` publishes. */
export type RelayState = LeaderState;

export interface Relay extends Component {
  readonly state: RelayState;
  /** Begins in the background; the database may still be away. */
  start(): Promise<void>;
  /**
   * Reads no more, publishes what it has read, waits for the confirms (`drainMs` at most), stores the cursor and frees the lock. What waits for a
   * retry or for the broker is left to the next relay.
   */
  stop(): Promise<void>;
  /** Down while it has no session on the database. `details` show the state, the lag (see `RelayLag`), and which events are refused for what reason. */
  health(): Promise<ComponentHealth>;
  /** Looks at the log now, if this is the relay that leads. */
  wake(): void;
}
