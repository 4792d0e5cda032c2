import { describe, expect, test } from '@jest/globals';
import { type DecisionOf, givenFor } from '@warren/testing';

type Event = { type: 'Opened' } | { type: 'Closed'; by: string };

const given = givenFor<{ open: boolean }, string, Event>({
  initialState: { open: false },
  evolve: (_, event) => ({ open: event.type === 'Opened' }),
  decide(state, input): DecisionOf<Event> {
    if (input === 'fail') throw Object.assign(new Error('no'), { code: 'FAILED' });
    if (input === 'open') {
      return state.open
        ? { outcome: 'ignored', reason: 'is open' }
        : { outcome: 'happened', event: { type: 'Opened' } };
    }
    return state.open ? [{ type: 'Closed', by: input }] : [];
  },
});
const opened: Event = { type: 'Opened' };

describe('given, when, then', () => {
  test('when the decision is as expected, then it says nothing', () => {
    given([]).when('open').then([opened]);
    given([opened])
      .when('me')
      .then([{ type: 'Closed', by: 'me' }]);
    given([opened]).when('open').thenNothingHappened();
    given([opened]).when('open').thenNothingHappened('is open');
    given([opened]).when('open').thenNothingHappened(/open/);
    given([opened, { type: 'Closed', by: 'me' }])
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
          .then([{ type: 'Closed', by: 'you' }]),
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
