import { type Decision, defineAggregate, defineEvent, type EventIn, ignored } from '@warren/contracts';
import { Type } from 'typebox';
import { testErrors } from './counter.ts';

const about = { exchange: 'guests', schema: Type.Object({ guest: Type.String(), seat: Type.String() }) };
const Seated = defineEvent({ type: 'Seated', version: 1, routingKey: 'guest.seated', ...about });
const Left = defineEvent({ type: 'Left', version: 1, routingKey: 'guest.left', ...about });
const events = { Seated, Left };
type GuestEvent = EventIn<typeof events>;

export type GuestInput =
  | { type: 'Sit'; id: string; seat: string }
  /** Moves to the seat `<present seat>+`: which one, only the state says. */
  | { type: 'Upgrade'; id: string }
  | { type: 'Leave'; id: string };

interface Guest {
  seat?: string;
}

/** Guests compete for seats: each guest has one at most, each seat one guest at most. */
export const guest = defineAggregate({
  category: 'guest',
  events,
  ends: ['Left'],
  initial: {},
  idOf: ({ id }: GuestInput) => id,
  decide({ seat }: Guest, input: GuestInput, holders: ReadonlyMap<string, string>): Decision<GuestEvent> {
    if (input.type === 'Leave') {
      return seat === undefined ? ignored('has no seat') : [{ type: 'Left', data: { guest: input.id, seat } }];
    }
    const wanted = input.type === 'Sit' ? input.seat : `${seat}+`;
    const holder = holders.get(wanted);
    if (holder !== undefined && holder !== input.id) throw testErrors.SEAT_TAKEN(`${wanted} is taken by ${holder}`);
    return [{ type: 'Seated', data: { guest: input.id, seat: wanted } }];
  },
  evolve: (_: Guest, { type, data: { seat } }: GuestEvent): Guest => (type === 'Left' ? {} : { seat }),
  shared: {
    keysOf: (input: GuestInput, { seat }: Guest) => [
      ...(input.type === 'Sit' ? [input.seat] : []),
      ...(seat === undefined ? [] : [seat, ...(input.type === 'Upgrade' ? [`${seat}+`] : [])]),
    ],
    changes: ({ type, data }: GuestEvent, { seat }: Guest) => [
      ...(seat === undefined ? [] : [[seat, undefined] as const]),
      ...(type === 'Left' ? [] : [[data.seat, data.guest] as const]),
    ],
  },
  contested: (id) => testErrors.COUNTER_CONTESTED(`${id} is contested`),
});
