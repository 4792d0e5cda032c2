import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { RecordedEvent } from '../src/index.ts';
import { type Answer, ModelBroker, ModelDatabase, ModelTerm } from './relay-model.ts';

type Hint = 'at once' | 'late' | 'twice' | 'lost' | 'of another instance';

type Step =
  | { do: 'begin' | 'rollback'; slot: number }
  | { do: 'append'; slot: number; stream: number; isInternal: boolean }
  | { do: 'commit'; slot: number; hint: Hint }
  | { do: 'hint'; which: number }
  | { do: 'answer'; which: number; answer: Answer }
  | { do: 'toggle broker' | 'read' | 'save' | 'pump' | 'end term' | 'notice the end' };

const slot = fc.nat({ max: 2 });
const which = fc.nat({ max: 5 });
const stepOf = <Fields extends object>(
  weight: number,
  fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> },
) => ({
  weight,
  arbitrary: fc.record(fields) as unknown as fc.Arbitrary<Step>,
});
const named = <Name extends string>(...names: Name[]) => fc.constantFrom(...names);
const because = { reason: 'test' };
const answers = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Answer>({ outcome: { status: 'confirmed' } }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Answer>(
      { outcome: { status: 'nacked', ...because } },
      { outcome: { status: 'returned', ...because } },
      { outcome: { status: 'unsendable', ...because } },
      { outcome: { status: 'unsent', ...because } },
      { outcome: { status: 'unknown', ...because } },
      { outcome: { status: 'unknown', ...because }, reached: true },
    ),
  },
);
const hints = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Hint>('at once') },
  { weight: 4, arbitrary: named<Hint>('late', 'twice', 'lost', 'of another instance') },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  stepOf(1, { do: named('begin', 'rollback'), slot }),
  stepOf(8, {
    do: named('append'),
    slot,
    stream: fc.nat({ max: 2 }),
    isInternal: fc.nat({ max: 7 }).map((n) => n === 0),
  }),
  stepOf(7, { do: named('commit'), slot, hint: hints }),
  stepOf(2, { do: named('hint'), which }),
  stepOf(8, { do: named('answer'), which, answer: answers }),
  stepOf(5, { do: named('read') }),
  stepOf(3, { do: named('save', 'pump') }),
  stepOf(1, { do: named('toggle broker', 'end term', 'notice the end') }),
);

/** A relay under hints, pages, answers and ends of terms in any order. */
class Run {
  readonly database = new ModelDatabase();
  readonly broker = new ModelBroker();
  readonly terms: ModelTerm[] = [];
  readonly #late: { events: RecordedEvent[]; tx: number }[] = [];

  static async begin(): Promise<Run> {
    const run = new Run();
    run.database.onSaved = () => run.expectAccounted();
    run.terms.push(await ModelTerm.begin(run.database, run.broker));
    return run;
  }

  get term(): ModelTerm {
    return this.terms.at(-1) as ModelTerm;
  }

  async take(one: Step): Promise<void> {
    clock += 40;
    if (one.do === 'begin') this.database.begin(one.slot);
    else if (one.do === 'rollback') this.database.rollback(one.slot);
    else if (one.do === 'append') this.database.append(one.slot, `s-${one.stream}`, one.isInternal);
    else if (one.do === 'commit') this.commit(one.slot, one.hint);
    else if (one.do === 'hint') this.hint(this.#late.splice(one.which, 1)[0]);
    else if (one.do === 'answer') this.broker.answer(one.which, one.answer);
    else if (one.do === 'toggle broker') this.broker.open = !this.broker.open;
    else if (one.do === 'end term') await this.endTerm();
    else if (one.do === 'notice the end') for (const term of this.terms.slice(0, -1)) term.lock.alive = false;
    else await this.term[one.do]();
    await new Promise(setImmediate);
  }

  commit(slot: number, hint: Hint): void {
    const commit = this.database.commit(slot);
    if (!commit || hint === 'lost' || hint === 'of another instance') return;
    if (hint !== 'late') this.hint(commit);
    if (hint !== 'at once') this.#late.push(commit);
  }

  /** Also to former terms: a leader that has lost its session may not know yet. */
  hint(commit: { events: RecordedEvent[]; tx: number } | undefined): void {
    if (commit) for (const term of this.terms) term.offer(commit.events, commit.tx);
  }

  async endTerm(): Promise<void> {
    this.term.session.lost = true;
    this.terms.push(await ModelTerm.begin(this.database, this.broker));
  }

  /** The cursor has not passed an event that is neither confirmed nor parked. */
  expectAccounted(): void {
    for (const stored of this.database.log) {
      const { position, id, routingKey } = stored.event;
      if (routingKey === null || !this.database.hasPassed(stored)) continue;
      expect(this.broker.confirmed.has(id) || this.database.parked.has(position)).toBe(true);
    }
  }

  /** Everything is answered well from now on. */
  async finish(): Promise<void> {
    for (const slot of [0, 1, 2]) this.commit(slot, 'lost');
    this.broker.open = true;
    const isOpen = () =>
      this.database.log.some(
        ({ event: { id, routingKey } }) => routingKey !== null && !this.broker.published.includes(id),
      );
    for (let rounds = 0; isOpen() && rounds < 300; rounds += 1) {
      clock += 10_000;
      await this.term.read();
      await this.term.pump();
      while (this.broker.answer(0, { outcome: { status: 'confirmed' } })) await new Promise(setImmediate);
      await this.term.save();
    }
    expect(isOpen()).toBe(false);
  }

  expectOrder(): void {
    const wanted = this.database.log.map(({ event }) => event).filter(({ routingKey }) => routingKey !== null);
    for (const streamId of new Set(wanted.map((event) => event.streamId))) {
      const ids = wanted.filter((event) => event.streamId === streamId).map(({ id }) => id);
      expect(firstOf(this.broker.published, ids)).toEqual(ids);
      for (const { sent, inherited } of this.terms) {
        // What a former term has parked comes once from there, and may come once more from the log.
        const own = ids.filter((id) => !inherited.has(id));
        const first = firstOf(sent, own);
        const from = own.indexOf(first[0] ?? '');
        expect(first).toEqual(own.slice(from, from + first.length));
        const places = sent.map((id) => own.indexOf(id)).filter((place) => place >= 0);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }
    }
  }
}

/** Returns those of the ids that occur in `all`, in the order in which they first do. */
const firstOf = (all: readonly string[], ids: readonly string[]): string[] => [
  ...new Set(all.filter((id) => ids.includes(id))),
];

let clock = 0;
beforeEach(() => {
  jest.spyOn(Date, 'now').mockImplementation(() => clock);
});
afterEach(() => {
  jest.restoreAllMocks();
});

test('when hints, pages, answers and ends of terms come in any order, then everything is published, and no event overtakes another of its stream', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
      const run = await Run.begin();
      for (const one of steps) await run.take(one);
      await run.finish();
      run.expectOrder();
    }),
    { numRuns: 500 },
  );
});
