import { describe, expect, test } from '@jest/globals';
import { type Decision, defineAggregate, type EventIn, ignored, internalEvent } from '@warren/contracts';
import { given as givenOf } from '@warren/testing';
import { Type } from 'typebox';

const events = {
  Opened: internalEvent(Type.Object({})),
  Closed: internalEvent(Type.Object({ by: Type.String() })),
};
type Event = EventIn<typeof events>;

const door = defineAggregate({
  category: 'door',
  events,
  ends: [],
  initial: 'closed',
  idOf: () => 'door',
  evolve: (_: string, { type }: Event) => (type === 'Opened' ? 'open' : 'closed'),
  decide(state: string, { type, by }: { type: string; by?: string }): Decision<Event> {
    if (type === 'fail') throw Object.assign(new Error('no'), { code: 'FAILED' });
    if (type === 'open') return state === 'open' ? ignored('is open') : [{ type: 'Opened', data: {} }];
    return state === 'open' ? [closed(by)] : ignored('is closed');
  },
});
const opened: Event = { type: 'Opened', data: {} };
const closed = (by = 'nobody'): Event => ({ type: 'Closed', data: { by } });

const given = (history: readonly Event[]) => ({
  when: (input: string) =>
    givenOf(door, ...history).when(['open', 'fail'].includes(input) ? { type: input } : { type: 'close', by: input }),
});

describe('given, when, then', () => {
  test('when the decision is as expected, then it says nothing', () => {
    given([]).when('open').then([opened]);
    given([opened])
      .when('me')
      .then([closed('me')]);
    given([opened]).when('open').thenNothingHappened();
    given([opened]).when('open').thenNothingHappened('is open');
    given([opened]).when('open').thenNothingHappened(/open/);
    given([opened, closed('me')])
      .when('you')
      .thenNothingHappened();
    given([]).when('fail').thenThrows('FAILED');
  });

  test.each<[string, () => void, RegExp]>([
    [
      'other events follow',
      () =>
        given([opened])
          .when('me')
          .then([closed('you')]),
      /expected.*you.*me/s,
    ],
    ['no event follows', () => given([]).when('me').then([opened]), /other events/],
    ['an event too many follows', () => given([opened]).when('me').then([]), /other events/],
    ['something happened after all', () => given([opened]).when('me').thenNothingHappened(), /other events/],
    ['it was ignored for another reason', () => given([opened]).when('open').thenNothingHappened('tired'), /is open/],
    ['nothing says why', () => given([]).when('me').thenNothingHappened('tired'), /another reason/],
    ['it failed otherwise', () => given([]).when('fail').thenThrows('OTHER'), /FAILED/],
    ['it did not fail', () => given([]).when('open').thenThrows('FAILED'), /error code/],
  ])('when %s, then it throws and shows both sides', (_, specification, message) => {
    expect(specification).toThrow(message);
  });
});
