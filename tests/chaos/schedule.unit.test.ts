import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseChaosOptions } from './chaos-options.ts';
import { FAULT_KINDS } from './fault-kinds.ts';
import { MECHANISMS } from './mechanisms.mjs';
import { createRandom } from './random.ts';
import { drawSchedule } from './schedule.ts';

const services = ['order-1', 'inventory-1'];
const draw = (seed: number, count = 200) => drawSchedule(count, services, createRandom(seed));

describe('the schedule of faults', () => {
  it('when the seed is the same, then the schedule is the same; another seed gives another', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('when there are as many faults as kinds, then each kind comes', () => {
    const kinds = Object.keys(FAULT_KINDS);
    expect(
      draw(3, kinds.length)
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(kinds.toSorted());
  });

  it('then each fault lasts as long as its kind may, on a service that exists', () => {
    for (const { kind, durationMs, service } of draw(5)) {
      const [shortest, longest] = FAULT_KINDS[kind]?.durationMs ?? [1, 0];
      expect(durationMs).toBeGreaterThanOrEqual(shortest);
      expect(durationMs).toBeLessThanOrEqual(longest);
      expect(services).toContain(service);
    }
  });
});

describe('the mechanisms that can be switched off', () => {
  it.each(Object.entries(MECHANISMS))('when %s is switched off, then there is something to switch off', (_, one) => {
    const [, folder = '', path = ''] = /^\/([^/]+)\/dist\/(.*)\.js$/.exec(one.file) ?? [];
    const root = join(import.meta.dirname, '../..');
    const source = ['shared', 'services']
      .map((room) => join(root, room, folder, 'src', `${path}.ts`))
      .find((file) => existsSync(file));
    const text = readFileSync(source ?? '', 'utf8');
    for (const [from] of one.cuts) expect(text).toContain(from);
  });
});

describe('the command line', () => {
  it('when nothing is said, then a seed is drawn', () => {
    expect(parseChaosOptions([])).toMatchObject({ faults: 100, seed: expect.any(Number) });
  });

  it.each([
    ['--seed', 'x'],
    ['--faults', '-1'],
    ['--without', 'luck'],
    ['--orders', '0'],
  ])('when it says %s %s, then it is refused', (name, value) => {
    expect(() => parseChaosOptions([`${name}=${value}`])).toThrow(name);
  });
});
