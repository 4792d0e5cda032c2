import { setTimeout as pause } from 'node:timers/promises';
import { createRandom } from '../random.ts';
import type { ServiceInstance } from '../system/service-instance.ts';
import type { FaultContext, FaultKind } from './fault.ts';
import { FAULT_KINDS } from './fault-kinds.ts';
import type { ScheduledFault } from './schedule.ts';

/** What became of a scheduled fault. */
export interface FaultOutcome extends ScheduledFault {
  /** Milliseconds since the first fault could begin. */
  startedAtMs: number;
  tookMs: number;
  note?: string;
  /** Why the fault could not be made or undone: a fault of the suite, not of the system. */
  failure?: string;
}

export interface FaultRunnerOptions extends Omit<FaultContext, 'random' | 'durationMs' | 'service'> {
  schedule: readonly ScheduledFault[];
}

export interface FaultRunner {
  readonly outcomes: readonly FaultOutcome[];
  /** Those that are made right now. */
  readonly active: ReadonlySet<ScheduledFault>;
  /** Makes all faults of the schedule; resolves when the last is undone. */
  run(): Promise<void>;
}

const MAX_ACTIVE = 3;
const LOOK_EVERY_MS = 20;

/** Makes the faults in their order, up to three at the same moment, never two on the same thing. */
export function createFaultRunner({ schedule, ...shared }: FaultRunnerOptions): FaultRunner {
  const outcomes: FaultOutcome[] = [];
  const active = new Set<ScheduledFault>();
  const { services } = shared.system;
  const startedAt = Date.now();

  async function make(fault: ScheduledFault): Promise<void> {
    active.add(fault);
    const outcome: FaultOutcome = { ...fault, startedAtMs: Date.now() - startedAt, tookMs: 0 };
    outcomes.push(outcome);
    const service = services.find(({ name }) => name === fault.service);
    try {
      if (!service) throw new Error(`there is no ${fault.service}`);
      const own = { service, durationMs: fault.durationMs, random: createRandom(fault.seed) };
      outcome.note = await kindOf(fault).inject({ ...shared, ...own });
    } catch (error) {
      if (!shared.signal.aborted) outcome.failure = (error as Error).message;
    } finally {
      outcome.tookMs = Date.now() - startedAt - outcome.startedAtMs;
      active.delete(fault);
    }
  }

  function mayBegin(fault: ScheduledFault): boolean {
    const running = [...active];
    if (running.length >= MAX_ACTIVE) return false;
    if (kindOf(fault).on === 'everything') return running.length === 0;
    return running.every((other) => kindOf(other).on !== 'everything' && thingOf(other) !== thingOf(fault));
  }

  return {
    outcomes,
    active,
    async run() {
      const made: Promise<void>[] = [];
      for (const scheduled of schedule) {
        await pause(scheduled.gapMs);
        const fault = await aim(scheduled, services);
        while (!shared.signal.aborted && !mayBegin(fault)) await pause(LOOK_EVERY_MS);
        if (shared.signal.aborted) break;
        made.push(make(fault));
      }
      await Promise.all(made);
    },
  };
}

/** The fault, on the instance that it can happen to. */
async function aim(fault: ScheduledFault, services: readonly ServiceInstance[]): Promise<ScheduledFault> {
  const { needsRelay, only } = kindOf(fault);
  const able = services.filter(({ service }) => service === only);
  if (able.length > 0) return { ...fault, service: able[fault.seed % able.length]?.name ?? fault.service };
  if (!needsRelay) return fault;
  const [sort = ''] = fault.service.split('-');
  for (const service of services) {
    if (service.name.startsWith(sort) && (await service.publishes())) return { ...fault, service: service.name };
  }
  return fault;
}

const kindOf = ({ kind }: ScheduledFault): FaultKind => FAULT_KINDS[kind] as FaultKind;

/** What a fault acts on, as a name. */
function thingOf(fault: ScheduledFault): string {
  const { on } = kindOf(fault);
  return on === 'service' || on.endsWith('link') ? `${on} of ${fault.service}` : on;
}
