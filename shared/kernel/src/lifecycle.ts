import { setTimeout as pause } from 'node:timers/promises';
import type { Alerts } from './alerts.ts';
import { kernelErrors } from './errors.ts';
import { type Logger, silentLogger } from './logger.ts';
import { createReadiness, type Readiness } from './readiness.ts';
import { withLimit } from './shared-read.ts';

/** The state of one component. `details` are shown by `/health/ready`; they hold no secrets. */
export interface ComponentHealth {
  up: boolean;
  /** Why it is not up, in one sentence. */
  reason?: string;
  /** Since when it is not up, ISO 8601. */
  since?: string;
  details?: Record<string, unknown>;
}

/** A part of a service that is started, watched and stopped: a pool, a bus, a relay, a server. */
export interface Component {
  name: string;
  /** Whether the service is `down` while this is not up. False: it still takes in and stores what it is asked, and is `degraded`. @default true */
  essential?: boolean;
  start?(): Promise<void>;
  /** Called when a stop begins, before `shutdownDelayMs`: everything still runs, but nobody new should come. */
  announceStop?(): void;
  /** Finishes what is in hand and lets go of everything. Called once, also when `start` failed half-way. */
  stop?(): Promise<void>;
  /** Asked at each readiness check; a throw, or no answer within 1.5 s, counts as not up. Without it the component does not take part. */
  health?(): ComponentHealth | Promise<ComponentHealth>;
}

/** The same component, as one without which the service still takes in and stores what it is asked. */
export function notEssential<Part extends Component>(component: Part): Part {
  component.essential = false;
  return component;
}

/**
 * | state | means | next |
 * |---|---|---|
 * | `created` | nothing runs yet | `starting` |
 * | `starting` | components start, in the order they were added | `started`, `stopping` |
 * | `started` | all run | `stopping` |
 * | `stopping` | after `shutdownDelayMs` it drains: components stop, in the reverse order | `stopped` |
 * | `stopped` | nothing runs any more | – |
 */
export type LifecycleState = 'created' | 'starting' | 'started' | 'stopping' | 'stopped';

export interface LifecycleOptions {
  logger?: Logger;
  /** How long `stop` may take over all components together, in milliseconds. @default 10000 */
  drainTimeoutMs?: number;
  /** How long `stop` waits before it drains, in milliseconds: readiness is `down` already, and everything still runs. @default 0 */
  shutdownDelayMs?: number;
  /** The service's alerts, for its readiness. @default none */
  alerts?: Pick<Alerts, 'active'>;
}

export interface StopOptions {
  /** Drains without the wait. @default false */
  atOnce?: boolean;
}

export interface Lifecycle {
  readonly state: LifecycleState;
  /** Starts the components one after the other. When one fails, those before it are stopped and its error is thrown. */
  start(): Promise<void>;
  /**
   * Waits for `shutdownDelayMs`, unless it was still starting or is to stop at once. Then stops the components in reverse order; every one is asked, also after a failure. One that is late is left behind, so that the
   * next one has time too: each may use half of what is left of `drainTimeoutMs`, the last one all of it. Safe to call twice.
   * @throws the first failure; `COMPONENT_TIMEOUT` for a component that was late.
   */
  stop(options?: StopOptions): Promise<void>;
  readiness(): Promise<Readiness>;
}

/** Ordered start, drain and readiness over a service's components. */
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
        logger.error({ err: error, component: component.name }, 'component did not start');
        await stop().catch((err) => logger.error({ err }, 'clean-up after a failed start was not complete'));
        throw error;
      }
    }
    if (!stopping) state = 'started';
  }

  async function stopAll(): Promise<void> {
    let failure: unknown;
    const deadline = Date.now() + drainTimeoutMs;
    for (const [index, component] of touched.toReversed().entries()) {
      // What comes after it keeps at least an equal share of the time that is left.
      const limitMs = Math.max(1, (deadline - Date.now()) / Math.min(2, touched.length - index));
      try {
        if (component.stop) await withLimit(component.stop(), limitMs);
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
