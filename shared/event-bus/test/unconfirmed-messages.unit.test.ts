import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { UnconfirmedMessages } from '../src/amqp/unconfirmed-messages.ts';
import type { PendingMessage } from '../src/broker.ts';

const named = (name: number) => ({ name }) as unknown as PendingMessage;

/** Either another publish, or the settlement of a tag that may be open, settled or not yet assigned. */
const steps = fc.array(fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined, freq: 2 }), { maxLength: 120 });

describe('unconfirmed messages', () => {
  test('when tags are settled in any order, then it behaves like a map by tag', () => {
    fc.assert(
      fc.property(steps, (todo) => {
        const sent = new UnconfirmedMessages();
        const model = new Map<number, PendingMessage>();
        let lastTag = 0;
        for (const tag of todo) {
          if (tag === undefined) {
            lastTag += 1;
            model.set(lastTag, named(lastTag));
            sent.add(model.get(lastTag) as PendingMessage);
          } else {
            expect(sent.take(tag)).toBe(model.get(tag));
            model.delete(tag);
          }
          expect([sent.size, sent.oldestTag, sent.oldest]).toEqual([
            model.size,
            ...(model.entries().next().value ?? [undefined, undefined]),
          ]);
          expect([...sent]).toEqual([...model.values()]);
        }
      }),
    );
  });

  test('when very many messages pass through, then tags still find their messages', () => {
    const sent = new UnconfirmedMessages();
    for (let tag = 1; tag <= 100; tag += 1) sent.add(named(tag));
    const wrong: number[] = [];
    for (let tag = 101; tag <= 10_000; tag += 1) {
      sent.add(named(tag));
      const taken = sent.take(tag - 100) as { name?: number } | undefined;
      if (taken?.name !== tag - 100) wrong.push(tag);
    }
    expect(wrong).toEqual([]);
    expect([sent.size, sent.oldestTag]).toEqual([100, 9901]);
  });
});
