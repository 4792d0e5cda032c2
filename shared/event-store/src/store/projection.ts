import type { AnyAggregate, RecordedOf } from '@warren/contracts';
import type { InlineProjection, RecordedEvent } from '../log/event-store.ts';
import { isOf, toLatest } from './aggregate-log.ts';
import { executeWrites } from './execute-writes.ts';
import type { Write } from './sql.ts';

/** Tables that follow from the events of an aggregate, written in the transaction that appends: never behind, never ahead. */
export interface Projection extends InlineProjection {
  readonly category: string;
  /** True when the tables hold nothing that does not follow from the log, and applying events again changes nothing. */
  readonly rebuildable: boolean;
  /** What events of the log, of any category, write. */
  readonly writes: (events: readonly RecordedEvent[]) => readonly Write[];
}

/** Declares tables by hand. @param writes pure; see `Write` for what its statements may do */
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
