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

describe('a released event version', () => {
  it('when nothing has changed, then it is compatible', () => {
    expect(() => check(home(Type.Object(fields)))).not.toThrow();
  });

  it('when it gains optional fields or its descriptions change, at any depth, then it is compatible', () => {
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
    ['changes the type of a field', Type.Object({ ...fields, name: Type.Integer() }), '/data/name: type was "string"'],
    ['gains a required field', Type.Object({ ...fields, colour: Type.String() }), '/data/colour is now required'],
    [
      'makes an optional field required',
      Type.Object({ ...fields, floor: Type.Integer({ minimum: 0 }) }),
      '/data/floor is now required',
    ],
    [
      'makes a required field optional',
      Type.Object({ ...fields, name: Type.Optional(fields.name) }),
      '/data/name is no longer required',
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
      'adds a bound',
      Type.Object({ ...fields, name: Type.String({ maxLength: 9 }) }),
      '/data/name: maxLength was nothing, is 9',
    ],
    [
      'changes the items of a list',
      Type.Object({ ...fields, rooms: Type.Array(Type.Object({ size: Type.String() })) }),
      '/data/rooms/*/size: type was "number"',
    ],
  ])('when it %s, then the error says where and what to do', (_, schema, place) => {
    expect(() => check(home(schema))).toThrow(place);
    expect(() => check(home(schema))).toThrow('declare the next version with defineNextVersion');
  });

  it('when its routing key changes, then the check fails', () => {
    expect(() => check(home(Type.Object(fields), 'home.finished'))).toThrow('routing key was "home.built"');
  });

  it('when it is removed from the catalogue, then the check fails', () => {
    expect(() => check()).toThrow('HomeBuilt v1 is released');
  });

  it('when several things have changed, then the error lists all of them', () => {
    const broken = home(Type.Object({ colour: Type.String() }));
    for (const change of ['/data/kind is gone', '/data/rooms is gone', '/data/colour is now required']) {
      expect(() => check(broken)).toThrow(change);
    }
  });
});
