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
