import { setTimeout as pause } from 'node:timers/promises';
import type { Alert, Alerts } from './alerts.ts';
import { kernelErrors } from './errors.ts';
import { type Logger, silentLogger } from './logger.ts';

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
  start?(): Promise<void>;
  /** Finishes what is in hand and lets go of everything. Called once, also when `start` failed half-way. */
  stop?(): Promise<void>;
  /** Asked at each readiness check; a throw, or no answer within 2 s, counts as down. Without it the component does not take part. */
  health?(): ComponentHealth | Promise<ComponentHealth>;
}

export interface Readiness {
  /** True only when the service is started, not draining, and every component is up. */
  ready: boolean;
  state: LifecycleState;
  components: Record<string, ComponentHealth>;
  /** What lasts and somebody has to know about, if there is anything. */
  alerts?: Alert[];
}

/**
 * | state | means | next |
 * |---|---|---|
 * | `created` | nothing runs yet | `starting` |
 * | `starting` | components start, in the order they were added | `started`, `stopping` |
 * | `started` | all run | `stopping` |
 * | `stopping` | drains: components stop, in the reverse order | `stopped` |
 * | `stopped` | nothing runs any more | – |
 */
export type LifecycleState = 'created' | 'starting' | 'started' | 'stopping' | 'stopped';

export interface LifecycleOptions {
  logger?: Logger;
  /** How long `stop` may take over all components together, in milliseconds. @default 10000 */
  drainTimeoutMs?: number;
  /** The service's alerts, for its readiness. @default none */
  alerts?: Pick<Alerts, 'active'>;
}

export interface Lifecycle {
  readonly state: LifecycleState;
  /** Starts the components one after the other. When one fails, those before it are stopped and its error is thrown. */
  start(): Promise<void>;
  /**
   * Stops the components in reverse order; every one is asked, also after a failure. One that is late is left behind, so that the
   * next one has time too: each may use half of what is left of `drainTimeoutMs`, the last one all of it. Safe to call twice.
   * @throws the first failure; `COMPONENT_TIMEOUT` for a component that was late.
   */
  stop(): Promise<void>;
  readiness(): Promise<Readiness>;
}

/** Ordered start, drain and readiness over a service's components. */
export function createLifecycle(components: readonly Component[], options: LifecycleOptions = {}): Lifecycle {
  const { logger = silentLogger, drainTimeoutMs = 10_000, alerts } = options;
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

  function stop(): Promise<void> {
    stopping ??= (async () => {
      state = 'stopping';
      try {
        await stopAll();
      } finally {
        state = 'stopped';
      }
    })();
    return stopping;
  }

  async function readiness(): Promise<Readiness> {
    const entries = await Promise.all(components.map(async (component) => [component.name, await healthOf(component)]));
    const known = entries.filter((entry): entry is [string, ComponentHealth] => entry[1] !== undefined);
    const ready = state === 'started' && known.every(([, health]) => health.up);
    const active = alerts?.active() ?? [];
    return { ready, state, components: Object.fromEntries(known), ...(active.length > 0 && { alerts: active }) };
  }

  return {
    get state() {
      return state;
    },
    start,
    stop,
    readiness,
  };
}

const HEALTH_TIMEOUT_MS = 2000;

async function healthOf(component: Component): Promise<ComponentHealth | undefined> {
  if (!component.health) return undefined;
  try {
    return await withLimit(Promise.resolve(component.health()), HEALTH_TIMEOUT_MS);
  } catch (error) {
    return { up: false, details: { error: (error as Error).message } };
  }
}

/** @throws `COMPONENT_TIMEOUT` when the promise has not settled in time */
async function withLimit<Result>(promise: Promise<Result>, limitMs: number): Promise<Result> {
  const done = new AbortController();
  const late = pause(limitMs, undefined, { signal: done.signal }).then(() => {
    throw kernelErrors.COMPONENT_TIMEOUT(`no answer within ${limitMs} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
  }
}
