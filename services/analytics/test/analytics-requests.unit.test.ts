import { parse } from 'node:querystring';
import { describe, expect, it, test } from '@jest/globals';
import { createValidator } from '@warren/contracts';
import { createQueryParser, parseBy } from '@warren/http';
import type { Static, TObject } from 'typebox';
import {
  MinutesQuery,
  ProductsQuery,
  ReplayBody,
  startOf,
  WindowQuery,
  windowOf,
} from '../src/adapters/http/analytics-requests.ts';

const now = new Date('2026-03-01T12:34:56.789Z');
const window = (from: string, to: string) => ({ value: { from: new Date(from), to: new Date(to) } });

/** What a query means, as the service reads it, or its faults. */
function reader<Query extends TObject>(schema: Query, meaning: (query: Static<Query>) => object) {
  const parse = createQueryParser(schema);
  return (query: Record<string, unknown>) => {
    const parsed = parse(query);
    if ('faults' in parsed) return parsed;
    try {
      return { value: meaning(parsed.value as Static<Query>) };
    } catch (error) {
      return (error as { details: object }).details;
    }
  };
}
const parseWindow = reader(WindowQuery, (query) => windowOf(query, now));
const parseMinutes = reader(MinutesQuery, ({ limit, ...query }) => ({ ...windowOf(query, now), limit }));
const parseProducts = reader(ProductsQuery, (query) => query);

const replayBodies = createValidator(ReplayBody);
function parseReplay(body: unknown): object {
  const parsed = parseBy(replayBodies, body);
  return 'faults' in parsed ? parsed : { value: startOf(parsed.value) };
}

describe('the queries of the figures', () => {
  it('when no time is given, then it is the last hour in whole minutes', () => {
    expect(parseWindow({})).toEqual(window('2026-03-01T11:35:00Z', '2026-03-01T12:35:00Z'));
    expect(parseMinutes({})).toMatchObject({ value: { limit: 60 } });
    expect(parseProducts({})).toEqual({ value: { limit: 10 } });
  });

  it('when times are given, then they are widened to whole minutes', () => {
    const query = { from: '2026-03-01T10:00:59Z', to: '2026-03-01T11:00:00+01:00' };
    expect(parseWindow(query)).toEqual({ faults: [{ path: 'from', message: 'must be before `to`' }] });
    expect(parseWindow({ ...query, to: '2026-03-01T12:00:01+01:00' })).toEqual(
      window('2026-03-01T10:00:00Z', '2026-03-01T11:01:00Z'),
    );
  });

  it('when several things are wrong, then each is named', () => {
    expect(parseMinutes({ from: 'yesterday', limit: '0', until: 'x', to: ['a', 'b'] })).toEqual({
      faults: [
        { path: 'from', message: 'must be a time, e.g. 2026-01-31T12:00:00Z' },
        { path: 'limit', message: 'must be a whole number from 1 to 1440' },
        { path: 'until', message: 'is not a known parameter' },
        { path: 'to', message: 'may be given only once' },
      ],
    });
    expect(parseProducts({ limit: '101' })).toHaveProperty('faults');
  });

  test.each(['from', 'to'])(
    'when the plus sign of `%s` has become a space, then the fault says to write %%2B',
    (name) => {
      const query = parse(`${name}=2026-03-01T20:00:00+02:00`);
      const message = 'must be a time, e.g. 2026-01-31T12:00:00Z; write the plus sign of an offset as %2B';
      const faults = [{ path: name, message }];
      expect([parseWindow(query), parseMinutes(query)]).toEqual([{ faults }, { faults }]);
    },
  );

  it('when the plus sign is written as %2B, then the offset counts', () => {
    const query = parse('from=2026-03-01T11:00:00%2B01:00&to=2026-03-01T12:00:00%2b01:00');
    expect(parseWindow(query)).toEqual(window('2026-03-01T10:00:00Z', '2026-03-01T11:00:00Z'));
  });

  test.each(['yesterday 02:00', '2026-03-01T20:00:00 02:00 ', '2026-03-01 20:00'])(
    'when `from` is %j, which no plus sign mends, then the fault says nothing about one',
    (from) => {
      expect(JSON.stringify(parseWindow({ from }))).not.toContain('%2B');
    },
  );
});

describe('the body that asks for a replay', () => {
  test.each([
    [{}, 'first'],
    [{ from: 'first' }, 'first'],
    [{ from: 0 }, { offset: 0 }],
    [{ from: '2026-03-01T13:00:00+01:00' }, { timestamp: '2026-03-01T12:00:00.000Z' }],
  ])('when it is %j, then it means %j', (body, start) => {
    expect(parseReplay(body)).toEqual({ value: start });
  });

  test.each([{ from: -1 }, { from: 1.5 }, { from: 'last' }, { from: null }])(
    'when it is %j, then one fault says what it may be',
    (body) => {
      const message = 'must be "first", an offset or a time, e.g. 2026-01-31T12:00:00Z';
      expect(parseReplay(body)).toEqual({ faults: [{ path: '/from', message }] });
    },
  );

  it('when a field is unknown, then it is named', () => {
    expect(parseReplay({ to: 1 })).toEqual({ faults: [{ path: '/to', message: 'is not a known field' }] });
  });
});
