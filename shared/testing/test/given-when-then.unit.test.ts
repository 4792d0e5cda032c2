import { describe, expect, test } from '@jest/globals';
import { type Decision, defineAggregate, defineEvent, type EventIn, ignored } from '@warren/contracts';
import { given } from '@warren/testing';
import { Type } from 'typebox';

const at = { version: 1, exchange: 'doors' };
const events = {
  Opened: defineEvent({ ...at, type: 'Opened', routingKey: 'opened', schema: Type.Object({}) }),
  Closed: defineEvent({ ...at, type: 'Closed', routingKey: 'closed', schema: Type.Object({ by: Type.String() }) }),
};
type Event = EventIn<typeof events>;
type Command = { type: 'Fail' } | { type: 'Open' } | { type: 'Close'; by: string };

const door = defineAggregate({
  category: 'door',
  events,
  ends: [],
  initial: { open: false },
  idOf: (_: Command) => '1',
  decide(state: { open: boolean }, command: Command): Decision<Event> {
    if (command.type === 'Fail') throw Object.assign(new Error('no'), { code: 'FAILED' });
    if (command.type === 'Open') return state.open ? ignored('is open') : [{ type: 'Opened', data: {} }];
    return state.open ? [{ type: 'Closed', data: { by: command.by } }] : ignored('is closed');
  },
  evolve: (_: { open: boolean }, event: Event) => ({ open: event.type === 'Opened' }),
});
const opened: Event = { type: 'Opened', data: {} };
const closed = (by: string): Event => ({ type: 'Closed', data: { by } });
const open: Command = { type: 'Open' };
const fail: Command = { type: 'Fail' };
const close = (by: string): Command => ({ type: 'Close', by });

describe('given, when, then', () => {
  test('when the decision is as expected, then it says nothing', () => {
    given(door).when(open).then([opened]);
    given(door, opened)
      .when(close('me'))
      .then([closed('me')]);
    given(door, opened).when(open).thenNothingHappened();
    given(door, opened).when(open).thenNothingHappened('is open');
    given(door, opened).when(open).thenNothingHappened(/open/);
    given(door, opened, closed('me')).when(close('you')).thenNothingHappened();
    given(door).when(fail).thenThrows('FAILED');
  });

  test.each<[string, () => void, RegExp]>([
    [
      'other events follow',
      () =>
        given(door, opened)
          .when(close('me'))
          .then([closed('you')]),
      /expected.*you.*me/s,
    ],
    ['no event follows', () => given(door).when(close('me')).then([opened]), /other events/],
    ['an event too many follows', () => given(door, opened).when(close('me')).then([]), /other events/],
    ['something happened after all', () => given(door, opened).when(close('me')).thenNothingHappened(), /other events/],
    ['it was ignored for another reason', () => given(door, opened).when(open).thenNothingHappened('tired'), /is open/],
    ['it failed otherwise', () => given(door).when(fail).thenThrows('OTHER'), /FAILED/],
    ['it did not fail', () => given(door).when(open).thenThrows('FAILED'), /error code/],
  ])('when %s, then it throws and shows both sides', (_, specification, message) => {
    expect(specification).toThrow(message);
  });
});
