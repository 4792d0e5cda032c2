import { describe, expect, test } from '@jest/globals';
import { rows, sql } from '../../src/index.ts';
import { camelCase, EventPosition, snakeCase, toQuery, verbatim } from '../../src/store/sql.ts';

describe('a statement as data', () => {
  test('when values are written into it, then they become parameters, undefined as NULL', () => {
    const since = new Date(0);
    expect(toQuery(sql`SELECT ${1}, ${'a'}, ${null}, ${undefined}, ${['x', 'y']}, ${since}, ${true}`)).toMatchObject({
      text: 'SELECT $1, $2, $3, $4, $5, $6, $7',
      values: [1, 'a', null, null, ['x', 'y'], since, true],
    });
  });

  test('when a statement is part of another, then its parameters are numbered along', () => {
    const rest = sql`WHERE id = ${7}`;
    expect(toQuery(sql`SELECT ${'a'} FROM ${verbatim('things')} ${rest} LIMIT ${3}`)).toMatchObject({
      text: 'SELECT $1 FROM things WHERE id = $2 LIMIT $3',
      values: ['a', 7, 3],
    });
  });

  test('when positions that are not known yet are inserted as a list, then the statement looks them up', () => {
    const positions = [new EventPosition(2), new EventPosition(1)] as never;
    const query = toQuery(sql`DELETE FROM things WHERE position = ANY (${positions})`);
    expect(query?.text).toContain('ANY (ARRAY(SELECT (SELECT positions FROM placed)[place]');
    expect(query?.values).toEqual([[2, 1]]);
  });

  test('when a value looks like SQL, then it stays a value', () => {
    expect(toQuery(sql`SELECT ${"'; DROP TABLE users; --"}`)?.text).toBe('SELECT $1');
  });

  test('when it has rows, then they are arrays under the names of their columns, and the text does not depend on how many', () => {
    const lines = (...items: { productId?: string; about?: unknown }[]) =>
      toQuery(sql`SELECT ${0}, * FROM ${rows('line', { productId: 'text', about: 'json' }, items)}`);
    const one = lines({ productId: 'apple', about: { ripe: true } });
    expect(one?.text).toBe('SELECT $1, * FROM unnest($2::text[], $3::json[]) AS line (product_id, about)');
    expect(one?.values).toEqual([0, ['apple'], ['{"ripe":true}']]);
    const two = lines({ productId: 'pear' }, {});
    expect([two?.text, two?.name]).toEqual([one?.text, one?.name]);
    expect(two?.values).toEqual([0, ['pear', null], [null, null]]);
  });

  test('when a column of rows holds positions that are not known yet, then the statement looks them up', () => {
    const items = [{ position: new EventPosition(3) as never }, {}, { position: new EventPosition(1) as never }];
    const query = toQuery(sql`SELECT * FROM ${rows('line', { position: 'bigint' }, items)}`);
    expect(query?.text).toContain('unnest(ARRAY(SELECT (SELECT positions FROM placed)[place]');
    expect(query?.values).toEqual([[3, null, 1]]);
  });

  test('when values of rows are false, 0 or empty, then they stay what they are', () => {
    const items = [{ about: false, n: 0, name: '' }];
    const query = toQuery(sql`SELECT * FROM ${rows('line', { about: 'json', n: 'integer', name: 'text' }, items)}`);
    expect(query?.values).toEqual([['false'], [0], ['']]);
  });

  test('when it is about no rows, then there is nothing to send', () => {
    expect(toQuery(sql`DELETE FROM things USING ${rows('gone', { id: 'uuid' }, [])}`)).toBeUndefined();
  });

  test('when two texts differ, then so do the names of their prepared statements', () => {
    expect(toQuery(sql`SELECT 1`)?.name).not.toBe(toQuery(sql`SELECT 2`)?.name);
  });
});

test.each([
  ['productId', 'product_id'],
  ['id', 'id'],
  ['lineNo2', 'line_no2'],
])('when a member is called %s, then its column is %s, and the reverse', (member, column) => {
  expect([snakeCase(member), camelCase(column)]).toEqual([column, member]);
});
