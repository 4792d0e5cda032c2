import { setTimeout as pause } from 'node:timers/promises';
import type { Alerts } from './alerts.ts';
import type { Component, LifecycleState } from './component.ts';
import { kernelErrors } from './errors.ts';
import { type Logger, silentLogger } from './logger.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import { withTimeout } from './shared-read.ts';

export interface LifecycleOptions {
  logger?: Logger;
  /** How long `stop` may take for all components together, in milliseconds. @default 10000 */
  drainTimeoutMs?: number;
  /** How long `stop` waits before it drains, in milliseconds. Readiness is already `down`, and everything still runs. @default 0 */
  shutdownDelayMs?: number;
  /** The service's alerts, reported by readiness. @default none */
  alerts?: Pick<Alerts, 'active'>;
}

export interface StopOptions {
  /** Drains without waiting for `shutdownDelayMs`. @default false */
  atOnce?: boolean;
}

export interface Lifecycle {
  readonly state: LifecycleState;
  /** Starts the components one after the other. If one fails, stops those before it and throws its error. */
  start(): Promise<void>;
  /**
   * Waits for `shutdownDelayMs`, unless the lifecycle was still starting or `atOnce` is set. Then stops all components in reverse order,
   * even after a failure. A component that exceeds its time is abandoned so that the next one has time too: each may use half of what is
   * left of `drainTimeoutMs`, the last one all of it. Safe to call twice.
   * @throws the first failure; `COMPONENT_TIMEOUT` for a component that did not stop in time.
   */
  stop(options?: StopOptions): Promise<void>;
  readiness(): Promise<Readiness>;
}

/** Starts and drains a service's components in order, and reports their readiness. */
export function createLifecycle(components: readonly Component[], options: LifecycleOptions = {}): Lifecycle {
  const { logger = silentLogger, drainTimeoutMs = 10_000, shutdownDelayMs = 0, alerts } = options;
  const touched: Component[] = [];
  let state: LifecycleState = 'created';
  let stopping: Promise<void> | undefined;

  async function start(): Promise<void> {
    state = 'starting';
    for (const component of components) {
      if (stopping) throw kernelErrors.SHUTTING_DOWN('stopped while starting');
      touched.push(component);
      try {
        await component.start?.();
      } catch (error) {
        logger.error({ err: error, component: component.name }, 'component failed to start');
        await stop().catch((err) => logger.error({ err }, 'cleanup after a failed start was incomplete'));
        throw error;
      }
    }
    if (!stopping) state = 'started';
  }

  async function stopAll(): Promise<void> {
    let failure: unknown;
    const deadline = Date.now() + drainTimeoutMs;
    for (const [index, component] of touched.toReversed().entries()) {
      // The components after this one keep at least an equal share of the remaining time.
      const limitMs = Math.max(1, (deadline - Date.now()) / Math.min(2, touched.length - index));
      try {
        if (component.stop) await withTimeout(component.stop(), limitMs);
      } catch (error) {
        logger.error({ err: error, component: component.name }, 'component did not stop cleanly');
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  function stop({ atOnce = false }: StopOptions = {}): Promise<void> {
    stopping ??= (async () => {
      const delayMs = atOnce || state !== 'started' ? 0 : shutdownDelayMs;
      state = 'stopping';
      for (const component of touched) component.announceStop?.();
      if (delayMs > 0) await pause(delayMs);
      try {
        await stopAll();
      } finally {
        state = 'stopped';
      }
    })();
    return stopping;
  }

  return {
    get state() {
      return state;
    },
    start,
    stop,
    readiness: createReadiness(components, { state: () => state, alerts }),
  };
}
