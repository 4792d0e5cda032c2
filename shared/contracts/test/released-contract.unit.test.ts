import { describe, expect, it } from '@jest/globals';
import { type TSchema, Type } from 'typebox';
import { createCatalogue, defineEvent, requireCompatible, toReleased } from '../src/index.ts';

const fields = {
  name: Type.String({ description: 'As written on the door.' }),
  kind: Type.Enum(['house', 'flat']),
  floor: Type.Optional(Type.Integer({ minimum: 0 })),
  rooms: Type.Array(Type.Object({ size: Type.Number() })),
};
const home = (schema: TSchema, routingKey = 'home.built') =>
  defineEvent({ type: 'HomeBuilt', version: 1, exchange: 'homes', routingKey, schema });
const released = toReleased(home(Type.Object(fields)));

const check = (...contracts: ReturnType<typeof home>[]) => requireCompatible(released, createCatalogue(contracts));
const { floor: _, ...withoutFloor } = fields;

describe('a released version of an event', () => {
  it('when nothing has changed, then it holds', () => {
    expect(() => check(home(Type.Object(fields)))).not.toThrow();
  });

  it('when it gains optional fields and other descriptions, at any depth, then it holds', () => {
    const more = {
      ...fields,
      name: Type.String({ description: 'As the postman reads it.' }),
      description: Type.Optional(Type.String()),
      rooms: Type.Array(Type.Object({ size: Type.Number(), colour: Type.Optional(Type.String()) })),
    };
    expect(() => check(home(Type.Object(more, { description: 'A home.' })))).not.toThrow();
  });

  it.each<[string, TSchema, string]>([
    ['loses a field', Type.Object(withoutFloor), '/data/floor is gone'],
    ['gives a field another type', Type.Object({ ...fields, name: Type.Integer() }), '/data/name: type was "string"'],
    [
      'gains a field that must be there',
      Type.Object({ ...fields, colour: Type.String() }),
      '/data/colour is required now',
    ],
    [
      'wants a field that could be left out',
      Type.Object({ ...fields, floor: Type.Integer({ minimum: 0 }) }),
      '/data/floor is required now',
    ],
    [
      'may leave a field out that was always there',
      Type.Object({ ...fields, name: Type.Optional(fields.name) }),
      '/data/name is not required any more',
    ],
    [
      'allows less',
      Type.Object({ ...fields, kind: Type.Enum(['house']) }),
      '/data/kind: enum was ["house","flat"], is ["house"]',
    ],
    ['allows more', Type.Object({ ...fields, kind: Type.Enum(['house', 'flat', 'tent']) }), '/data/kind: enum was'],
    [
      'tightens a bound',
      Type.Object({ ...fields, floor: Type.Optional(Type.Integer({ minimum: 1 })) }),
      '/data/floor: minimum was 0, is 1',
    ],
    [
      'gets a bound that it had not',
      Type.Object({ ...fields, name: Type.String({ maxLength: 9 }) }),
      '/data/name: maxLength was nothing, is 9',
    ],
    [
      'changes what is in a list',
      Type.Object({ ...fields, rooms: Type.Array(Type.Object({ size: Type.String() })) }),
      '/data/rooms/*/size: type was "number"',
    ],
  ])('when it %s, then that is refused with the place and what to do', (_, schema, place) => {
    expect(() => check(home(schema))).toThrow(place);
    expect(() => check(home(schema))).toThrow('declare the next version with defineNextVersion');
  });

  it('when it goes to another address, then that is refused', () => {
    expect(() => check(home(Type.Object(fields), 'home.finished'))).toThrow('routing key was "home.built"');
  });

  it('when it is taken out of the catalogue, then that is refused', () => {
    expect(() => check()).toThrow('HomeBuilt v1 is released');
  });

  it('when several things have changed, then all of them are listed', () => {
    const broken = home(Type.Object({ colour: Type.String() }));
    for (const change of ['/data/kind is gone', '/data/rooms is gone', '/data/colour is required now']) {
      expect(() => check(broken)).toThrow(change);
    }
  });
});
