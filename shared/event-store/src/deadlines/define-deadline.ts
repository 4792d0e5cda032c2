import type { AnyAggregate, EventContract, InputOf } from '@warren/contracts';
import type { Static, TObject } from 'typebox';
import type { ReadModel } from '../store/read-model.ts';

/** How long streams wait for an answer, and what their aggregate decides when none comes in time; see {@link defineDeadline}. */
export interface Deadline {
  readonly aggregate: AnyAggregate;
  /** The read model of the aggregate. Its hidden column `position` holds the position of the first event, or 0. */
  readonly model: { readonly name: string };
  /** The fields of the row by which a stream still waits. The search needs an index on `position` WHERE they have these values. */
  readonly waiting: Readonly<Record<string, string>>;
  /** The answers, at least one, to which the service listens: in every queue that they come to. */
  readonly answeredBy: readonly EventContract[];
  /** Milliseconds from the broker's confirm of the stream's first event, as far as the answer queues are consumed. */
  readonly limitMs: number;
  /** The input for the stream of an id. */
  readonly overdue: (id: string) => unknown;
}

/** Those whose values are texts. */
type TextFields<Row> = { [Name in keyof Row]-?: Row[Name] extends string | undefined ? Name : never }[keyof Row];

/**
 * Declares what happens to streams that nobody answers in time: their aggregate decides the input `overdue`. Only the time counts in which
 * an answer could have come, by the database's clock, and the deadline passes once every answer that had been given by then is applied or
 * dead (docs/adr/0019). It may pass late, never early. Deadlines of one service count while the answer queues of all of them are consumed.
 */
export const defineDeadline = <A extends AnyAggregate, Row extends TObject, const Input extends InputOf<A>>(
  deadline: Pick<Deadline, 'answeredBy' | 'limitMs'> & {
    readonly aggregate: A;
    readonly model: ReadModel<Row, { position: 'bigint' }>;
    readonly waiting: { readonly [Name in TextFields<Static<Row>>]?: Static<Row>[Name] };
    readonly overdue: (id: string) => Input;
  },
): Deadline => deadline as Deadline;
