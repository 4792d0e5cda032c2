import type { Alert, Alerts } from './alerts.ts';
import type { Component, ComponentHealth, LifecycleState } from './component.ts';
import { createSharedRead } from './shared-read.ts';

/**
 * | status | means | over HTTP |
 * |---|---|---|
 * | `ready` | started, every component is up, no alert of severity `degraded` is active | 200 |
 * | `degraded` | the service accepts and stores requests, but does not process all of them | 200 |
 * | `down` | not started, draining, or an essential component is not up | 503 |
 */
export type ReadinessStatus = 'ready' | 'degraded' | 'down';

/** Why a service is not `ready`. Names a component or an alert; names neither while the service starts or drains. */
export interface ReadinessReason {
  component?: string;
  /** Code of the alert. */
  alert?: string;
  /** What the alert is about. */
  subject?: string;
  reason: string;
  /** ISO 8601. If the component reports no time: when a check first found it not up. */
  since: string;
}

export interface Readiness {
  status: ReadinessStatus;
  /** True when `status` is `ready`. */
  ready: boolean;
  /** Since when the service has this status, ISO 8601. */
  since: string;
  /** Why the service is not `ready`, the causes of `down` first. Empty when it is ready. */
  reasons: ReadinessReason[];
  state: LifecycleState;
  components: Record<string, ComponentHealth>;
  /** The active alerts; absent when there are none. */
  alerts?: Alert[];
}

export interface ReadinessOptions {
  state(): LifecycleState;
  alerts?: Pick<Alerts, 'active'>;
}

/** Returns the readiness check over these components. A check that hangs is not started again before it has ended. */
export function createReadiness(
  components: readonly Component[],
  { state, alerts }: ReadinessOptions,
): () => Promise<Readiness> {
  const checks = components.flatMap((component) => (component.health ? [createCheck(component)] : []));
  const current = trackSince<LifecycleState>();
  const status = trackSince<ReadinessStatus>();

  return async () => {
    const known = await Promise.all(checks.map((check) => check()));
    const now = state();
    const runs = now === 'started';
    const active = alerts?.active() ?? [];
    const lifecycle = { reason: STATE_REASONS[now], since: current(now) };
    const essential = known.filter((one) => one.essential).flatMap(reasonsOf);
    const other = [
      ...known.filter((one) => !one.essential).flatMap(reasonsOf),
      ...active.filter(({ severity }) => severity === 'degraded').map(reasonOfAlert),
    ];
    const reasons = [...(runs ? [] : [lifecycle]), ...essential, ...other];
    const worst = !runs || essential.length > 0 ? 'down' : other.length > 0 ? 'degraded' : 'ready';
    return {
      status: worst,
      ready: worst === 'ready',
      since: status(worst),
      reasons,
      state: now,
      components: Object.fromEntries(known.map(({ name, health }) => [name, health])),
      ...(active.length > 0 && { alerts: active }),
    };
  };
}

const STATE_REASONS: Record<LifecycleState, string> = {
  created: 'the service has not been started',
  starting: 'the service is starting',
  started: 'the service is running',
  stopping: 'the service is stopping',
  stopped: 'the service has stopped',
};

interface CheckedComponent {
  name: string;
  essential: boolean;
  health: ComponentHealth;
}

function createCheck(component: Component): () => Promise<CheckedComponent> {
  const { name, essential = true } = component;
  const ask = createSharedRead(() => component.health?.() ?? { up: true });
  const since = trackSince<boolean>();

  return async () => {
    const health: ComponentHealth = await ask().catch((error: Error) => ({ up: false, reason: error.message }));
    const changedAt = since(health.up);
    if (health.up) return { name, essential, health };
    const { reason = 'not up', since: toldSince = changedAt } = health;
    return { name, essential, health: { ...health, reason, since: toldSince } };
  };
}

function reasonsOf({ name, health: { up, reason = '', since = '' } }: CheckedComponent): ReadinessReason[] {
  return up ? [] : [{ component: name, reason, since }];
}

const reasonOfAlert = ({ code, subject, reason, since }: Alert): ReadinessReason => ({
  alert: code,
  subject,
  reason,
  since,
});

/** Returns since when the value has been the one passed in, ISO 8601. */
function trackSince<Value>(): (value: Value) => string {
  let known: { value: Value; since: string } | undefined;
  return (value) => {
    if (!known || known.value !== value) known = { value, since: new Date().toISOString() };
    return known.since;
  };
}
