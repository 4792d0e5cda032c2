import { describe, expect, it } from '@jest/globals';
import type { Evidence, OrderFact, OrderFigures } from './evidence.ts';
import { brokenBy, soundRun } from './sound-run.ts';

const [fact1, ...otherFacts] = soundRun().facts as [OrderFact];
const [figures] = soundRun().figures as [OrderFigures];
const counted = (change: Partial<OrderFigures>): Partial<Evidence> => ({ figures: [{ ...figures, ...change }] });
const FACTS = /knows of every order/;
const FIGURES = /the figures are/;

describe('the judgement of the figures of a run', () => {
  it.each<[string, RegExp, Partial<Evidence>]>([
    ['an order is not known', FACTS, { facts: otherFacts }],
    ['the end of an order is not known', FACTS, { facts: [{ ...fact1, confirmed: false }, ...otherFacts] }],
    ['an order counts as cancelled that is not', FACTS, { facts: [{ ...fact1, cancelled: true }, ...otherFacts] }],
    ['the total of an order is another one', FACTS, { facts: [{ ...fact1, cents: 1 }, ...otherFacts] }],
    ['an order is known that does not exist', FACTS, { facts: [fact1, ...otherFacts, { ...fact1, orderId: 'ghost' }] }],
    ['an order was counted twice', FIGURES, counted({ created: 4 })],
    ['a confirmation is not counted', FIGURES, counted({ confirmed: 0 })],
    ['a cancellation is not counted', FIGURES, counted({ cancelled: 1 })],
    ['the revenue of a cancelled order still counts', FIGURES, counted({ cents: 4000 })],
    [
      'an event did not reach the figures',
      /is handled/,
      { handled: soundRun().handled.filter((one) => one.consumer !== 'analytics' || one.messageId !== 'u1') },
    ],
  ])('when %s, then that is a violation', (_, promise, change) => {
    expect(brokenBy(change)).toContainEqual(expect.stringMatching(promise));
  });

  it('when the stream was off the exchanges meanwhile, then an order need not be known', () => {
    const blindSpells = [{ from: 1003, to: 1004 }];
    const handled = soundRun().handled.filter(
      ({ consumer, messageId }) => consumer !== 'analytics' || messageId !== 'e11',
    );
    const change = {
      facts: otherFacts,
      figures: [{ created: 2, confirmed: 0, cancelled: 2, cents: 0 }],
      handled,
    };
    expect(brokenBy({ ...change, blindSpells })).toEqual([]);
    expect(brokenBy(change)).toHaveLength(2);
  });
});
