import type { StoreWork } from '@warren/event-store';
import type { OrderFacts } from '../domain/order-facts.ts';
import type { Tally } from '../domain/tally.ts';

type Tx = Pick<StoreWork, 'query' | 'write'>;

/** Where in the stream of all events a read model begins. Kept as JSON: times are ISO 8601 in UTC. */
export type ReplayStart = 'first' | { offset: number } | { timestamp: string };

/**
 * | state | means | next |
 * |---|---|---|
 * | `building` | a replay is filling it; it answers no queries yet | `live` |
 * | `live` | it answers queries and follows the stream | `retired` |
 * | `retired` | another model has replaced it; its rows are being deleted | `cleared` |
 * | `cleared` | its rows are gone | – |
 */
export type ModelState = 'building' | 'live' | 'retired' | 'cleared';

/** One set of figures, built from the stream from some offset on. */
export interface ReadModel {
  id: number;
  /** Id of the replay that built it; null for the first model. */
  replayId: string | null;
  state: ModelState;
  startsFrom: ReplayStart;
  /** Offset of the last message it has counted; null before the first. */
  readOffset: number | null;
  /** Offset of the live model when the replay was requested. */
  targetOffset: number | null;
  /** How many events it has counted. */
  events: number;
  startedAt: Date;
  finishedAt: Date | null;
}

/** The read models and the writes to their figures. */
export interface ReadModels {
  /** The live model, and the one being built, if any. */
  active(): Promise<ReadModel[]>;
  findReplay(replayId: string): Promise<ReadModel | undefined>;
  /** Creates an empty model to build; undefined when one is already being built. */
  begin(tx: Tx, replay: { replayId: string; startsFrom: ReplayStart; now: Date }): Promise<ReadModel | undefined>;
  /**
   * Advances an active model from its current offset, and locks it until the end of the transaction. False when the model is at another
   * offset, or retired: another instance leads now, and this batch must not be counted.
   */
  advance(tx: Tx, model: { id: number; from: number | null; to: number }): Promise<boolean>;
  loadOrders(tx: Tx, model: number, orderIds: readonly string[]): Promise<Map<string, OrderFacts>>;
  add(tx: Tx, model: number, tally: Tally, events: number): Promise<void>;
  /** Makes the model being built live, if it has caught up with the live one. @returns whether it had */
  swap(tx: Tx, model: { id: number; now: Date }): Promise<boolean>;
  /** Deletes some rows of a retired model. @returns whether there may be more */
  clearRetired(tx: Tx): Promise<boolean>;
  /** If events were counted since the last announcement: locks the live model, marks them as announced, and returns true. */
  claimAnnouncement(tx: Tx): Promise<boolean>;
}
