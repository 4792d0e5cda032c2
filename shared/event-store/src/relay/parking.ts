import type { PublishOutcome } from '@warren/contracts';
import type { Alerts, Logger } from '@warren/kernel';
import type { ClientBase } from 'pg';
import type { RecordedEvent } from '../log/event-store.ts';
import type { Lane, ParkedEvent } from './lane.ts';
import { Lanes } from './lanes.ts';
import { createParkedRows } from './parked-rows.ts';
import { ParkedStreams } from './parked-streams.ts';
import { type Refusal, refusalIn } from './refusal.ts';
import type { ParkedEntry } from './relay-cursor.ts';

/** Publishes one parked event. */
export type Attempt = (event: RecordedEvent) => Promise<PublishOutcome>;

/** The events that could not be published, and the events behind them in their streams. */
export interface Parking {
  readonly size: number;
  /** Returns the refused kinds of events (type and version) with their reasons. */
  refusals(): Record<string, string>;
  /** Returns why an event must be parked without being sent, because another of its kind was refused; undefined if it may be sent. */
  refusalOf(event: RecordedEvent): string | undefined;
  /** True while an event of this stream is parked: later events must not overtake it. */
  holds(streamId: string): boolean;
  /** Parks an event. @param refusal the refusal if the event was sent and refused */
  park(event: RecordedEvent, reason: string, refusal?: Refusal): void;
  /** Returns the events parked since the last call. Store them together with the cursor before any other write. */
  takeUnsaved(): ParkedEntry[];
  readonly hasUnsaved: boolean;
  /**
   * Retries due events: one event of each refused kind, after growing pauses, and once it is confirmed, the others. Resolves when that is done;
   * skips lanes that an earlier call is still working on.
   */
  retry(attempt: Attempt): Promise<void>;
  /** Makes everything due at once, because publishing is possible again. */
  hurry(): void;
  /** Deletes the rows of events that were published more than `keepMs` milliseconds ago. */
  forget(keepMs: number): Promise<void>;
  /** Stops reporting: another process is responsible for the parked events. */
  close(): void;
}

export interface ParkingOptions {
  client: ClientBase;
  /** The relay's name. */
  relay: string;
  /** First pause before a refused kind is retried, in milliseconds. */
  retryMs: number;
  alerts: Alerts;
  logger: Logger;
}

/** The outcome of trying the chosen events of a lane. */
interface Result {
  published: ParkedEvent[];
  refused: (Refusal & { event: ParkedEvent })[];
  /** All tried events. Those neither published nor refused may go out at the next attempt. */
  chosen: readonly ParkedEvent[];
}

const parted = (refused: Result['refused']) =>
  [refused.filter(({ alone }) => alone), refused.filter(({ alone }) => !alone)] as const;

const kindOf = ({ type, version }: RecordedEvent): string => `${type} v${version}`;

/** Loads the relay's parked events from the database. A kind with parked events counts as refused until one of them is tried. */
export async function openParking({ client, relay, retryMs, alerts, logger }: ParkingOptions): Promise<Parking> {
  const rows = createParkedRows(client, relay);
  const streams = new ParkedStreams();
  const lanes = new Lanes(retryMs, alerts);
  let unsaved: { entry: ParkedEntry; event: ParkedEvent }[] = [];

  function add(event: ParkedEvent, refusal?: string): void {
    const first = streams.firstOf(event.streamId);
    streams.add(event);
    if (streams.firstOf(event.streamId) !== event) return;
    if (first) lanes.leave(first);
    lanes.enter(event, refusal);
  }

  function remove(event: ParkedEvent): void {
    streams.remove(event);
    // Before the event leaves its lane, because an empty lane is removed.
    const next = streams.firstOf(event.streamId);
    if (next && !next.lane) lanes.enter(next);
    lanes.leave(event);
  }

  function refuse(event: ParkedEvent, { alone, reason }: Refusal): void {
    if (alone) lanes.single(event, reason);
    // Many events may be in flight when the first is refused: that counts as one failure.
    else if (event.lane && event.lane.refusal === undefined) close(event.lane, event.kind, reason);
  }

  function close(lane: Lane, kind: string, reason: string): void {
    if (lane.refusal === undefined)
      logger.info({ kind, reason }, 'events are refused: parking this kind until one is published');
    lane.refuse(reason);
  }

  async function serve(lane: Lane, attempt: Attempt): Promise<void> {
    lane.busy = true;
    try {
      for (let chosen = lane.next(); chosen.length > 0; chosen = lane.next()) {
        const result = await tryEach(chosen, attempt);
        await rows.settle({
          published: result.published.map(({ position }) => position),
          refused: result.refused.map(({ event: { position }, reason }) => ({ position, reason })),
        });
        if (!conclude(lane, result)) return;
      }
    } finally {
      lane.busy = false;
    }
  }

  async function tryEach(chosen: readonly ParkedEvent[], attempt: Attempt): Promise<Result> {
    const recorded = new Map(
      (await rows.events(chosen.map(({ position }) => position))).map((one) => [one.position, one]),
    );
    const result: Result = { published: [], refused: [], chosen };
    await Promise.all(
      chosen.map(async (event) => {
        const found = recorded.get(event.position);
        if (!found) logger.error({ relay, position: event.position }, 'a parked event is no longer in the log');
        const outcome: PublishOutcome = found ? await attempt(found) : { status: 'confirmed' };
        const refusal = refusalIn(outcome);
        if (outcome.status === 'confirmed') result.published.push(event);
        else if (refusal) result.refused.push({ event, ...refusal });
      }),
    );
    return result;
  }

  /** Returns true if more events of the lane may be published. */
  function conclude(lane: Lane, { published, refused, chosen }: Result): boolean {
    published.forEach(remove);
    const [single, shared] = lanes.isAlone(lane) ? [refused, []] : parted(refused);
    for (const { event, reason } of single) lanes.single(event, reason);
    lane.rotate(refused.map(({ event }) => event));
    const gone = lanes.isAlone(lane) ? published.length > 0 : published.length + single.length === chosen.length;
    if (gone && published.length > 0) {
      lane.succeeded();
      logger.info({ published: published.length, parked: streams.size }, 'parked events were published');
    }
    if (gone) return true;
    if (shared[0]) close(lane, shared[0].event.kind, shared[0].reason);
    else if (lanes.isAlone(lane) && single[0]) lane.refuse(single[0].reason);
    else lane.pause();
    return false;
  }

  for (const { position, streamId, kind, reason } of await rows.load()) {
    add({ position, streamId, kind, stored: true }, reason);
  }

  return {
    get size() {
      return streams.size;
    },
    refusals: () => lanes.refusals(),
    refusalOf: (event) => (streams.size === 0 ? undefined : lanes.refusalOf(kindOf(event))),
    holds: (streamId) => streams.holds(streamId),
    get hasUnsaved() {
      return unsaved.length > 0;
    },
    park(recorded, reason, refusal) {
      const { id: eventId, streamId, position } = recorded;
      // Read again after a restart, although it is already in the table.
      if (streams.has(streamId, position)) return;
      const event: ParkedEvent = { position, streamId, kind: kindOf(recorded), stored: false };
      unsaved.push({ entry: { position, streamId, eventId, reason }, event });
      add(event);
      if (refusal) refuse(event, refusal);
      logger.debug({ eventId, kind: event.kind, streamId, position, reason }, 'event parked');
    },
    takeUnsaved() {
      const taken = unsaved;
      unsaved = [];
      for (const { event } of taken) event.stored = true;
      return taken.map(({ entry }) => entry);
    },
    async retry(attempt) {
      await Promise.all(lanes.due().map((lane) => serve(lane, attempt)));
    },
    hurry: () => lanes.hurry(),
    forget: (keepMs) => rows.forget(keepMs),
    close: () => lanes.close(),
  };
}
