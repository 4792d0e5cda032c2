import { expect, test } from '@jest/globals';
import { parseStartOptions } from '../lib/start-options.mjs';

test('when nothing is given, then there is one instance of each service of the core', () => {
  expect(parseStartOptions([])).toEqual({ help: false, watch: false, all: false, orders: 1, inventories: 1 });
});

test('when instances are given, then they are counted', () => {
  expect(parseStartOptions(['--orders', '2', '--inventories=3', '--watch'])).toMatchObject({
    watch: true,
    orders: 2,
    inventories: 3,
  });
});

test('when all services are wanted, then that is known', () => {
  expect(parseStartOptions(['--all'])).toMatchObject({ all: true, orders: 1, inventories: 1 });
});

test.each([['0'], ['-1'], ['two'], ['1.5'], ['17'], ['']])(
  'when --orders is "%s", then it is refused with the range',
  (text) => {
    expect(() => parseStartOptions([`--orders=${text}`])).toThrow(/--orders must be a whole number from 1 to 16/);
  },
);

test.each([[['--order', '2']], [['--orders']], [['2']], [['--all', '--help=no']]])(
  'when the arguments are %j, then it points to --help',
  (args) => {
    expect(() => parseStartOptions(args)).toThrow(/npm start -- --help/);
  },
);
