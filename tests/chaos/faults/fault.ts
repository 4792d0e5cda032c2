import type { BlindSpell, Outage } from '../judge/evidence.ts';
import type { ClientLoad } from '../load/client-load.ts';
import type { ClientRecord } from '../load/client-record.ts';
import type { Random } from '../random.ts';
import type { ChaosSystem } from '../system/chaos-system.ts';
import type { ServiceInstance, ServiceName } from '../system/service-instance.ts';

/** What a fault acts on. Two faults never act on the same thing at once; one on `everything` is alone. */
export type FaultTarget =
  | 'service'
  | 'broker'
  | 'database'
  | 'mail server'
  | 'broker link'
  | 'database link'
  | 'messages'
  | 'everything';

/** What a fault may use. */
export interface FaultContext {
  system: ChaosSystem;
  load: ClientLoad;
  record: ClientRecord;
  /** Draws of this fault alone, so that they do not depend on how the others went. */
  random: Random;
  /** How long the fault lasts, in milliseconds. */
  durationMs: number;
  /** The instance, for a fault on a service or a link. */
  service: ServiceInstance;
  /** To be added to when the observer is taken off the exchanges. */
  blindSpells: BlindSpell[];
  /** To be added to when the broker is down. */
  outages: Outage[];
  signal: AbortSignal;
}

/** One way to hurt the system. */
export interface FaultKind {
  on: FaultTarget;
  /** How often it is drawn, compared with the others. */
  weight: number;
  /** Shortest and longest duration, in milliseconds. */
  durationMs: readonly [number, number];
  /** For a fault that only the instance that publishes can have: it is moved to that one of the same service, if there is one. */
  needsRelay?: boolean;
  /** For a fault that only one service can have: it is moved to an instance of that. */
  only?: ServiceName;
  /** Makes the fault and undoes it. May give a note for the report. */
  inject(context: FaultContext): Promise<string | undefined>;
}
