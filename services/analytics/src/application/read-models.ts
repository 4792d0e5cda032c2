import type { StoreWork } from '@warren/event-store';
import type { OrderFacts } from '../domain/order-facts.ts';
import type { Tally } from '../domain/tally.ts';

type Tx = Pick<StoreWork, 'query' | 'write'>;

/** Where in the stream of all events a read model begins. Kept as JSON: times are ISO 8601 in UTC. */
export type ReplayStart = 'first' | { offset: number } | { timestamp: string };

/**
 * | state | means | next |
 * |---|---|---|
 * | `building` | a replay fills it; nobody asks it yet | `live` |
 * | `live` | it answers queries and follows the stream | `retired` |
 * | `retired` | another one has taken its place; its rows are being deleted | `cleared` |
 * | `cleared` | its rows are gone | – |
 */
export type ModelState = 'building' | 'live' | 'retired' | 'cleared';

/** One set of figures, made from the stream from some place on. */
export interface ReadModel {
  id: number;
  /** Of the replay that made it; the first one has none. */
  replayId: string | null;
  state: ModelState;
  startsFrom: ReplayStart;
  /** Of the last message that is counted in it; null before the first. */
  readOffset: number | null;
  /** Where the live one was when the replay was asked for. */
  targetOffset: number | null;
  /** How many events are counted in it. */
  events: number;
  startedAt: Date;
  finishedAt: Date | null;
}

/** The figures as they are written. */
export interface ReadModels {
  /** The live one, and one that is being built. */
  active(): Promise<ReadModel[]>;
  findReplay(replayId: string): Promise<ReadModel | undefined>;
  /** A new empty one that is to be built; undefined when one is already. */
  begin(tx: Tx, replay: { replayId: string; startsFrom: ReplayStart; now: Date }): Promise<ReadModel | undefined>;
  /**
   * Moves an active model on from the offset that it is at, and locks it until the end of the transaction. False when it is elsewhere, or
   * retired: somebody else leads now, and this batch is not to be counted.
   */
  advance(tx: Tx, model: { id: number; from: number | null; to: number }): Promise<boolean>;
  loadOrders(tx: Tx, model: number, orderIds: readonly string[]): Promise<Map<string, OrderFacts>>;
  add(tx: Tx, model: number, tally: Tally, events: number): Promise<void>;
  /** Makes the one that is built the live one, if it is as far as that. @returns whether it was */
  swap(tx: Tx, model: { id: number; now: Date }): Promise<boolean>;
  /** Deletes some rows of a retired one. @returns whether there may be more */
  clearRetired(tx: Tx): Promise<boolean>;
  /** Locks the live one if events were counted since they were last announced, and notes that they are announced now. */
  claimAnnouncement(tx: Tx): Promise<boolean>;
}
