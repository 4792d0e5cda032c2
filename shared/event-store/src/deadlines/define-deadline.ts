import type { AnyAggregate, EventContract, InputOf } from '@warren/contracts';
import type { Static, TObject } from 'typebox';
import type { ReadModel } from '../store/read-model.ts';

/** How long streams wait for an answer, and the input that their aggregate decides if none arrives in time; see {@link defineDeadline}. */
export interface Deadline {
  readonly aggregate: AnyAggregate;
  /** The read model of the aggregate. Its hidden column `position` holds the position of the first event, or 0. */
  readonly model: { readonly name: string };
  /** The values of a row's fields while its stream waits. The search needs an index on `position` WHERE the fields have these values. */
  readonly waiting: Readonly<Record<string, string>>;
  /** The answers, at least one. The service must consume every queue that they arrive in. */
  readonly answeredBy: readonly EventContract[];
  /** Milliseconds from the broker's confirm of the stream's first event. Only time in which the answer queues are consumed counts. */
  readonly limitMs: number;
  /** The input for the stream of an id. */
  readonly overdue: (id: string) => unknown;
}

/** The fields whose values are strings. */
type TextFields<Row> = { [Name in keyof Row]-?: Row[Name] extends string | undefined ? Name : never }[keyof Row];

/**
 * Declares what happens to streams without an answer in time: their aggregate decides the input `overdue`. Only time in which an answer could
 * have arrived counts, by the database's clock. The deadline passes once every answer that was given by then is applied or dead
 * (docs/adr/0019). It may pass late, never early. The deadlines of a service only run while the answer queues of all of them are consumed.
 */
export const defineDeadline = <A extends AnyAggregate, Row extends TObject, const Input extends InputOf<A>>(
  deadline: Pick<Deadline, 'answeredBy' | 'limitMs'> & {
    readonly aggregate: A;
    readonly model: ReadModel<Row, { position: 'bigint' }>;
    readonly waiting: { readonly [Name in TextFields<Static<Row>>]?: Static<Row>[Name] };
    readonly overdue: (id: string) => Input;
  },
): Deadline => deadline as Deadline;
