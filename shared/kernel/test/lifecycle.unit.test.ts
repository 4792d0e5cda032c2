import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { type Component, createLifecycle } from '../src/index.ts';

function recorder() {
  const calls: string[] = [];
  const component = (name: string, more: Partial<Component> = {}): Component => ({
    name,
    start: async () => void calls.push(`start ${name}`),
    stop: async () => void calls.push(`stop ${name}`),
    ...more,
  });
  return { calls, component };
}

describe('createLifecycle', () => {
  it('when it starts and stops, then components start in order and stop in reverse', async () => {
    const { calls, component } = recorder();
    const lifecycle = createLifecycle([component('database'), component('bus'), component('http')]);
    await lifecycle.start();
    expect(lifecycle.state).toBe('started');
    await lifecycle.stop();
    expect(calls).toEqual(['start database', 'start bus', 'start http', 'stop http', 'stop bus', 'stop database']);
    expect(lifecycle.state).toBe('stopped');
  });

  it('when a component cannot start, then it and those before it are stopped and its error is thrown', async () => {
    const { calls, component } = recorder();
    const broken = component('bus', { start: () => Promise.reject(new Error('no broker')) });
    const lifecycle = createLifecycle([component('database'), broken, component('http')]);
    await expect(lifecycle.start()).rejects.toThrow('no broker');
    expect(calls).toEqual(['start database', 'stop bus', 'stop database']);
  });

  it('when it is stopped while starting, then the remaining components never start', async () => {
    const { calls, component } = recorder();
    let go = () => {};
    const slow = component('bus', {
      start: () =>
        new Promise((resolve) => {
          go = () => resolve();
        }),
    });
    const lifecycle = createLifecycle([slow, component('http')]);
    const started = lifecycle.start();
    const stopped = lifecycle.stop();
    go();
    await expect(started).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await stopped;
    expect(calls).toEqual(['stop bus']);
  });

  it('when one component fails to stop, then the others are still stopped', async () => {
    const { calls, component } = recorder();
    const broken = component('bus', { stop: () => Promise.reject(new Error('stuck')) });
    const lifecycle = createLifecycle([component('database'), broken]);
    await lifecycle.start();
    await expect(lifecycle.stop()).rejects.toThrow('stuck');
    expect(calls).toContain('stop database');
  });

  it('when a component does not drain in time, then stop fails instead of waiting forever', async () => {
    const { component } = recorder();
    const lifecycle = createLifecycle([component('bus', { stop: () => new Promise(() => {}) })], {
      drainTimeoutMs: 20,
    });
    await lifecycle.start();
    await expect(lifecycle.stop()).rejects.toMatchObject({ code: 'COMPONENT_TIMEOUT' });
  });

  it('when a component never stops, then the components after it are still stopped', async () => {
    const { calls, component } = recorder();
    const stuck = component('http', { stop: () => new Promise(() => {}) });
    const lifecycle = createLifecycle([component('database'), component('bus'), stuck], { drainTimeoutMs: 60 });
    await lifecycle.start();
    await expect(lifecycle.stop()).rejects.toMatchObject({ code: 'COMPONENT_TIMEOUT' });
    expect(calls.filter((call) => call.startsWith('stop'))).toEqual(['stop bus', 'stop database']);
  });

  it('when a component does not answer a readiness check, then it counts as down and the others are still reported', async () => {
    const { component } = recorder();
    const lifecycle = createLifecycle([
      component('database', { health: () => new Promise(() => {}) }),
      component('bus', { health: () => ({ up: true }) }),
    ]);
    await lifecycle.start();
    expect(await lifecycle.readiness()).toMatchObject({
      status: 'down',
      components: { database: { up: false, reason: 'no answer within 1500 ms' }, bus: { up: true } },
    });
    await lifecycle.stop();
  });

  it('when stop is called twice, then components stop once', async () => {
    const { calls, component } = recorder();
    const lifecycle = createLifecycle([component('bus')]);
    await lifecycle.start();
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    expect(calls.filter((call) => call === 'stop bus')).toHaveLength(1);
  });

  it('when a stop is requested, then readiness is down at once, and components run until the delay is over', async () => {
    const { calls, component } = recorder();
    const http = component('http', { announceStop: () => void calls.push('announce'), health: () => ({ up: true }) });
    const lifecycle = createLifecycle([http], { shutdownDelayMs: 50 });
    await lifecycle.start();
    const stopped = lifecycle.stop();
    expect(await lifecycle.readiness()).toMatchObject({
      status: 'down',
      state: 'stopping',
      reasons: [{ reason: 'the service is stopping' }],
    });
    expect(calls).toEqual(['start http', 'announce']);
    await stopped;
    expect(calls).toEqual(['start http', 'announce', 'stop http']);
  });

  it('when the delay is longer than the drain timeout, then components still have the whole drain timeout', async () => {
    const { component } = recorder();
    const slow = component('bus', { stop: () => pause(20) });
    const lifecycle = createLifecycle([slow], { shutdownDelayMs: 300, drainTimeoutMs: 200 });
    await lifecycle.start();
    await expect(lifecycle.stop()).resolves.toBeUndefined();
  });

  it.each([
    ['it has not started yet', false, undefined],
    ['the stop is immediate', true, { atOnce: true }],
  ])('when %s, then a stop does not wait', async (_case, started, options) => {
    const { calls, component } = recorder();
    const never = component('bus', started ? {} : { start: () => new Promise(() => {}) });
    const lifecycle = createLifecycle([never], { shutdownDelayMs: 600_000 });
    const starting = lifecycle.start();
    if (started) await starting;
    await lifecycle.stop(options);
    expect(calls.at(-1)).toBe('stop bus');
  });
});
