/** The state of one component. `details` are shown by `/health/ready`; they hold no secrets. */
export interface ComponentHealth {
  up: boolean;
  /** Why the component is not up, in one sentence. */
  reason?: string;
  /** Since when the component is not up, ISO 8601. */
  since?: string;
  details?: Record<string, unknown>;
}

/** A part of a service that is started, watched and stopped: a pool, a bus, a relay, a server. */
export interface Component {
  name: string;
  /**
   * Whether the service is `down` while this component is not up. If false, the service still accepts and stores requests, and is
   * `degraded`. @default true
   */
  essential?: boolean;
  start?(): Promise<void>;
  /** Called when a stop begins, before `shutdownDelayMs`. Everything still runs, but new clients should stay away. */
  announceStop?(): void;
  /** Finishes work in progress and releases all resources. Called once, even if `start` failed half-way. */
  stop?(): Promise<void>;
  /** Called by each readiness check. A throw, or no answer within 1.5 s, counts as not up. A component without `health` does not affect readiness. */
  health?(): ComponentHealth | Promise<ComponentHealth>;
}

/** Marks a component as not essential: without it the service still accepts and stores requests. */
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
