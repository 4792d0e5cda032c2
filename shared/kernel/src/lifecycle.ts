import { kernelErrors } from './errors.ts';
import { type Logger, silentLogger } from './logger.ts';

/** The state of one component. `details` are shown by `/health/ready`; they hold no secrets. */
export interface ComponentHealth {
  up: boolean;
  details?: Record<string, unknown>;
}

/** A part of a service that is started, watched and stopped: a pool, a bus, a relay, a server. */
export interface Component {
  name: string;
  start?(): Promise<void>;
  /** Finishes what is in hand and lets go of everything. Called once, also when `start` failed half-way. */
  stop?(): Promise<void>;
  /** Asked at each readiness check; a throw counts as down. Without it the component does not take part. */
  health?(): ComponentHealth | Promise<ComponentHealth>;
}

export interface Readiness {
  /** True only when the service is started, not draining, and every component is up. */
  ready: boolean;
  state: LifecycleState;
  components: Record<string, ComponentHealth>;
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
}

export interface Lifecycle {
  readonly state: LifecycleState;
  /** Starts the components one after the other. When one fails, those before it are stopped and its error is thrown. */
  start(): Promise<void>;
  /**
   * Stops the components in reverse order; every one is asked, also after a failure. Safe to call twice.
   * @throws the first failure, or `STOP_TIMEOUT` when the components need longer than `drainTimeoutMs`.
   */
  stop(): Promise<void>;
  readiness(): Promise<Readiness>;
}

/** Ordered start, drain and readiness over a service's components. */
export function createLifecycle(components: readonly Component[], options: LifecycleOptions = {}): Lifecycle {
  const { logger = silentLogger, drainTimeoutMs = 10_000 } = options;
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
    for (const component of touched.toReversed()) {
      try {
        await component.stop?.();
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
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<never>((_, reject) => {
        const late = () => reject(kernelErrors.STOP_TIMEOUT(`did not drain within ${drainTimeoutMs} ms`));
        timer = setTimeout(late, drainTimeoutMs);
      });
      try {
        await Promise.race([stopAll(), limit]);
      } finally {
        clearTimeout(timer);
        state = 'stopped';
      }
    })();
    return stopping;
  }

  async function readiness(): Promise<Readiness> {
    const entries = await Promise.all(components.map(async (component) => [component.name, await healthOf(component)]));
    const known = entries.filter((entry): entry is [string, ComponentHealth] => entry[1] !== undefined);
    const ready = state === 'started' && known.every(([, health]) => health.up);
    return { ready, state, components: Object.fromEntries(known) };
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

async function healthOf(component: Component): Promise<ComponentHealth | undefined> {
  try {
    return await component.health?.();
  } catch (error) {
    return { up: false, details: { error: (error as Error).message } };
  }
}
