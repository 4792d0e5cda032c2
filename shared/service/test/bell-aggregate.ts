import { defineAggregate, defineEvent, ignored } from '@warren/contracts';
import { kernelErrors } from '@warren/kernel';
import { Type } from 'typebox';

export const aggregateOf = <const Category extends string>(category: Category) =>
  defineAggregate({
    category,
    events: {
      Rung: defineEvent({ type: 'Rung', version: 1, exchange: 'bells', routingKey: 'rung', schema: Type.Object({}) }),
    },
    ends: [],
    initial: 0,
    idOf: ({ id }) => id,
    decide: (_: number, input: { type: 'Ring'; id: string }) => ignored(input.id),
    evolve: (rung: number) => rung + 1,
    contested: (id) => kernelErrors.UNEXPECTED(id),
  });

export const bell = aggregateOf('bell');
