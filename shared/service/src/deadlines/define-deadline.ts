import type { AnyAggregate, EventContract, InputOf } from '@warren/contracts';
import type { ReadModel, WaitingStreams } from '@warren/event-store';
import type { Static, TObject } from 'typebox';

/** How long streams wait for an answer; see {@link defineDeadline}. */
export interface Deadline extends WaitingStreams {
  /** The answers. The service listens to them. */
  readonly answeredBy: readonly EventContract[];
  /** How long an answer may take, in milliseconds: from the broker's confirm of the stream's first event, while the answer queues are consumed. */
  readonly limitMs: number;
}

/** Fields whose values are texts. */
type TextFields<Row> = { [Name in keyof Row]-?: Row[Name] extends string | undefined ? Name : never }[keyof Row];

interface DeadlineSpec<A extends AnyAggregate, Row extends TObject, Input extends InputOf<A>> extends Deadline {
  readonly aggregate: A;
  readonly model: ReadModel<Row, { position: 'bigint' }>;
  readonly waiting: { readonly [Name in TextFields<Static<Row>>]?: Static<Row>[Name] & string };
  readonly overdue: (id: string) => Input;
}

/**
 * Declares what happens to streams that nobody answers in time: their aggregate decides the input `overdue`. Only the time counts in which
 * an answer could have come, by the database's clock, and the deadline passes once every answer that had been given by then is applied or
 * dead (docs/adr/0019). It may pass late, never early. Deadlines of one service count while the answer queues of all of them are consumed.
 *
 * The read model has the hidden column `position`, set to that of the first event.
 */
export const defineDeadline = <A extends AnyAggregate, Row extends TObject, const Input extends InputOf<A>>(
  deadline: DeadlineSpec<A, Row, Input>,
): Deadline => deadline;
