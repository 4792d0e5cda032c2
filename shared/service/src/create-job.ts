import { setTimeout as pause } from 'node:timers/promises';
import { type DatabasePool, type EventStore, isOf } from '@warren/event-store';
import { type Component, type ComponentHealth, createBell, type Logger, toAppError } from '@warren/kernel';
import type { Job, Rest } from './define-job.ts';
import { everywhere, whereItLeads } from './job-runner.ts';

export interface JobOptions<Deps> {
  job: Job<Deps>;
  context: Deps;
  log: Pick<EventStore, 'onCommitted'>;
  /** For the lock of a job with `alone`. */
  pool: DatabasePool;
  logger: Logger;
}

/** Creates the component of a job: the kit's only loop that runs work, rests, and can be woken. */
export function createJob<Deps>({ job, context, log, pool, logger }: JobOptions<Deps>): Component {
  const { name, everyMs, alone, wakenBy } = job;
  const bell = createBell();
  const again = () => bell.ring();
  const usualRest = (): Rest => ({ restMs: typeof everyMs === 'number' ? everyMs : everyMs(context) });
  let failure: string | undefined;

  /** @returns how long to rest. After a failed run, the rest cannot be cut short. */
  async function runOnce(signal: AbortSignal): Promise<Rest> {
    try {
      const rest = await job.run(context, { signal, again });
      failure = undefined;
      return rest ?? usualRest();
    } catch (err) {
      if (!signal.aborted) note(err);
      return { ...usualRest(), wakeable: false };
    }
  }

  function note(err: unknown): void {
    const { code, kind, message } = toAppError(err);
    // A repeated failure is logged once; a transient one is not an error.
    const level = failure?.startsWith(`${code}:`) ? 'debug' : kind === 'transient' ? 'warn' : 'error';
    logger[level]({ err, job: name }, 'a job failed: will retry');
    failure = `${code}: ${message}`;
  }

  async function rest({ restMs, wakeable = true }: Rest, signal: AbortSignal): Promise<void> {
    if (wakeable) await bell.wait(restMs);
    else await pause(restMs, undefined, { signal }).catch(() => undefined);
  }

  async function work(over: AbortSignal): Promise<void> {
    over.addEventListener('abort', again, { once: true });
    while (!over.aborted) await rest(await runOnce(over), over);
    try {
      await job.stop?.(context);
    } catch (err) {
      logger.warn({ err, job: name }, 'a job did not stop cleanly');
    }
  }

  function createRunner() {
    if (alone === undefined) return everywhere(work);
    const [kind, lock] = typeof alone === 'string' ? [name, alone] : alone;
    return whereItLeads({ pool, kind, name: lock, work, logger });
  }
  const runner = createRunner();
  let stopListening: () => void = () => undefined;
  return {
    name,
    async start() {
      if (wakenBy) stopListening = log.onCommitted((events) => events.some((event) => isOf(wakenBy, event)) && again());
      runner.start();
    },
    async stop() {
      stopListening();
      await runner.stop();
    },
    health() {
      const { up: runs, standsBy, ...state } = runner.health();
      const own: ComponentHealth = job.health?.(context) ?? { up: true };
      const details = { ...state.details, ...own.details };
      const shown = Object.keys(details).length > 0 ? { details } : {};
      if (standsBy || (runs && failure === undefined && own.up)) return { up: true, ...shown };
      const reason = state.reason ?? failure ?? own.reason;
      return { up: false, ...(reason !== undefined && { reason }), ...shown };
    },
  };
}
