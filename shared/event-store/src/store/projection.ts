import type { AnyAggregate, RecordedOf } from '@warren/contracts';
import type { InlineProjection, RecordedEvent } from '../log/event-store.ts';
import { isOf, toLatest } from './aggregate-log.ts';
import { executeWrites } from './execute-writes.ts';
import type { Write } from './sql.ts';

/** Tables derived from the events of an aggregate. They are written in the transaction that appends, so they are always consistent with the log. */
export interface Projection extends InlineProjection {
  readonly category: string;
  /** True if everything in the tables follows from the log, and applying events again changes nothing. */
  readonly rebuildable: boolean;
  /** Returns the writes for events of the log; skips events of other categories. */
  readonly writes: (events: readonly RecordedEvent[]) => readonly Write[];
}

/** Declares a projection with its own SQL. @param writes must be pure; see `Write` for the rules of its statements */
export function defineProjection<const A extends AnyAggregate>(
  aggregate: A,
  { name, tables, rebuildable }: { name: string; tables: readonly string[]; rebuildable: boolean },
  writes: (events: readonly RecordedOf<A>[]) => readonly Write[],
): Projection {
  const writesOf = (events: readonly RecordedEvent[]): readonly Write[] => {
    const own = events.filter((event) => isOf(aggregate, event));
    return own.length > 0 ? writes(own.map((event) => toLatest(aggregate, event))) : [];
  };
  return {
    name,
    tables,
    category: aggregate.category,
    rebuildable,
    writes: writesOf,
    apply: (tx, events) => executeWrites(tx, writesOf(events)),
  };
}
