import { describe, expect, it } from '@jest/globals';
import type { Readiness } from '@warren/kernel';
import { HealthChanges, type HealthNews } from '../src/system-events/health-changes.ts';

const at = (second: number) => new Date(1000 * second);
const readiness = (up: boolean): Readiness => ({
  status: up ? 'ready' : 'degraded',
  ready: up,
  since: at(0).toISOString(),
  reasons: [],
  state: 'started',
  components: { bus: { up, details: { url: 'amqp://user:secret@host' } } },
});

describe('the changes of health', () => {
  it('when health is observed repeatedly, then only the first state and each change are returned, without details', () => {
    const changes = new HealthChanges();
    const first = changes.observe(readiness(true), at(1));
    expect(first).toEqual({ at: at(1), status: 'ready', ready: true, components: { bus: true }, changes: 1 });
    changes.told(first as HealthNews);
    expect(changes.observe(readiness(true), at(2))).toBeUndefined();
    expect(changes.observe(readiness(false), at(3))).toEqual({
      at: at(3),
      status: 'degraded',
      ready: false,
      components: { bus: false },
      changes: 1,
    });
  });

  it('when changes could not be published, then the latest stays pending with their number, even if health is back to the first state', () => {
    const changes = new HealthChanges();
    changes.told(changes.observe(readiness(true), at(1)) as HealthNews);
    const down = changes.observe(readiness(false), at(2)) as HealthNews;
    expect(changes.observe(readiness(false), at(3))).toBe(down);
    const up = { at: at(4), status: 'ready', ready: true, components: { bus: true }, changes: 2 };
    expect(changes.observe(readiness(true), at(4))).toEqual(up);
    changes.told(down);
    expect(changes.observe(readiness(true), at(5))).toEqual(up);
  });
});
