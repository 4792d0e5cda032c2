import { describe, expect, it } from '@jest/globals';
import {
  type Component,
  type ComponentHealth,
  createAlerts,
  createLifecycle,
  defineAlerts,
  notEssential,
} from '../src/index.ts';

const { TEA_REFUSED, TEA_COLD } = defineAlerts({
  TEA_REFUSED: { severity: 'degraded', meaning: 'the pot refuses tea', action: 'Use another pot.' },
  TEA_COLD: { severity: 'warning', meaning: 'the tea is cold', action: 'Drink faster.' },
});

/** A component whose health is what `set` was last called with. */
function adjustable(name: string): Component & { set(health: ComponentHealth): void } {
  let health: ComponentHealth = { up: true };
  return {
    name,
    health: () => health,
    set(next) {
      health = next;
    },
  };
}

async function shop() {
  const database = adjustable('database');
  const bus = adjustable('bus');
  const alerts = createAlerts();
  const lifecycle = createLifecycle([database, notEssential(bus)], { alerts });
  await lifecycle.start();
  return { database, bus, alerts, lifecycle };
}

describe('readiness', () => {
  it('when all components are up, then it is ready only between start and stop', async () => {
    const { lifecycle } = await shop();
    expect(await lifecycle.readiness()).toEqual({
      status: 'ready',
      ready: true,
      since: expect.any(String),
      reasons: [],
      state: 'started',
      components: { database: { up: true }, bus: { up: true } },
    });
    await lifecycle.stop();
    expect(await lifecycle.readiness()).toMatchObject({ status: 'down', ready: false });
    const unstarted = createLifecycle([]);
    expect(await unstarted.readiness()).toMatchObject({
      status: 'down',
      reasons: [{ reason: expect.stringContaining('not') }],
    });
  });

  it('when a component is not up, then the service is down if it is essential, else degraded, and reports why', async () => {
    const { database, bus, lifecycle } = await shop();
    const since = '2026-11-21T10:00:00.000Z';
    bus.set({ up: false, reason: 'connection refused', since });
    expect(await lifecycle.readiness()).toMatchObject({
      status: 'degraded',
      ready: false,
      reasons: [{ component: 'bus', reason: 'connection refused', since }],
    });
    database.set({ up: false, reason: 'read-only' });
    const { status, reasons } = await lifecycle.readiness();
    expect([status, reasons.map(({ component }) => component)]).toEqual(['down', ['database', 'bus']]);
  });

  it('when a component reports no time, then the time of the first failed check is used and kept', async () => {
    const { bus, lifecycle } = await shop();
    const before = Date.now();
    bus.set({ up: false });
    const first = await lifecycle.readiness();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await lifecycle.readiness();
    expect(Date.parse(first.components.bus?.since ?? '')).toBeGreaterThanOrEqual(before);
    expect([second.reasons, second.since]).toEqual([first.reasons, first.since]);
    bus.set({ up: true });
    expect((await lifecycle.readiness()).components.bus).toEqual({ up: true });
  });

  it('when a check throws, then the component is not up and the error is the reason', async () => {
    const lifecycle = createLifecycle([{ name: 'database', health: () => Promise.reject(new Error('refused')) }]);
    await lifecycle.start();
    expect(await lifecycle.readiness()).toMatchObject({
      status: 'down',
      reasons: [{ component: 'database', reason: 'refused' }],
    });
  });

  it('when a check hangs, then it is not started again, however often readiness is asked', async () => {
    let asked = 0;
    let answer: (health: ComponentHealth) => void = () => undefined;
    const health = () => {
      asked += 1;
      return new Promise<ComponentHealth>((resolve) => {
        answer = resolve;
      });
    };
    const lifecycle = createLifecycle([{ name: 'database', health }]);
    await lifecycle.start();
    const answers = await Promise.all([lifecycle.readiness(), lifecycle.readiness()]);
    expect(answers.map(({ status }) => status)).toEqual(['down', 'down']);
    const later = lifecycle.readiness();
    answer({ up: true });
    expect([(await later).status, asked]).toEqual(['ready', 1]);
  });

  it('when an alert is active, then the service is degraded if the alert says so and names it, and is ready once it is over', async () => {
    const { alerts, lifecycle } = await shop();
    alerts.raise(TEA_COLD, { subject: 'pot', reason: 'left alone' });
    expect(await lifecycle.readiness()).toMatchObject({ status: 'ready', reasons: [], alerts: [{ code: 'TEA_COLD' }] });
    alerts.raise(TEA_REFUSED, { subject: 'pot', reason: 'full' });
    const { status, reasons } = await lifecycle.readiness();
    expect([status, reasons]).toEqual([
      'degraded',
      [{ alert: 'TEA_REFUSED', subject: 'pot', reason: 'full', since: expect.any(String) }],
    ]);
    alerts.clear(TEA_REFUSED, 'pot');
    expect((await lifecycle.readiness()).status).toBe('ready');
  });
});
