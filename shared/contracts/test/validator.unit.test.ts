import { expect, test } from '@jest/globals';
import { Type } from 'typebox';
import { createValidator } from '../src/index.ts';

const Start = Type.Union([Type.Literal('first'), Type.Integer({ minimum: 0 })], {
  wanted: 'must be "first" or a number',
});

test('when a union has a wanted text, then it is the only fault', () => {
  const validator = createValidator(Type.Object({ from: Start, size: Type.Integer() }));
  for (const from of [-1, 'last', null, 1.5]) {
    expect(validator.faults({ from, size: 'x' })).toEqual([
      { path: '/from', message: 'must be "first" or a number' },
      { path: '/size', message: 'must be integer' },
    ]);
  }
  expect(validator.is({ from: 0, size: 1 })).toBe(true);
});
