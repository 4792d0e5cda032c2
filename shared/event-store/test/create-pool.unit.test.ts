import { expect, it } from '@jest/globals';
import { createPool } from '../src/index.ts';

it('keeps idle sessions for writes open, with their prepared statements, and closes other idle ones', async () => {
  const pool = createPool({ url: 'postgres://someone@127.0.0.1:1/nothing', schema: 'service' });
  expect([pool.writes, pool].map(({ options }) => options.idleTimeoutMillis)).toEqual([0, 10_000]);
  await pool.end();
});
