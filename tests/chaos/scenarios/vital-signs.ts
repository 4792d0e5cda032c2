import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceInstance } from '../system/service-instance.ts';

/** What was seen of one service, over all its restarts. */
export interface Vitals {
  /** `ready` of the answers of `/health/ready` in their order, each only when it differs from the one before. */
  readiness: boolean[];
  /** Memory of its process at the last look and at its most, in MB. */
  rssMb: { now: number; peak: number };
  /** The most events that its relay had read and not yet published; not a number when it did not tell. */
  relayInFlight: number;
  /** Messages that its inbox had seen before, over all its processes. */
  duplicates: number;
}

/** Looks at every service several times a second. */
export interface VitalSigns {
  of(service: ServiceInstance): Vitals;
  /** Looks at one service now, so that nothing is missed when its process ends. */
  look(service: ServiceInstance): Promise<void>;
  /** Looks a last time. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 250;

export function watchVitalSigns(services: readonly ServiceInstance[]): VitalSigns {
  const seen = new Map(services.map((service) => [service.name, createVitals()]));
  const of = (service: ServiceInstance) => seen.get(service.name) as WatchedVitals;
  const stopping = new AbortController();
  const look = (service: ServiceInstance) => lookAt(service, of(service));
  const lookAtAll = async () => void (await Promise.all(services.map(look)));

  const watching = (async () => {
    while (!stopping.signal.aborted) {
      await lookAtAll();
      await pause(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    of,
    look,
    async stop() {
      stopping.abort();
      await watching;
      await lookAtAll();
    },
  };
}

interface WatchedVitals extends Vitals {
  /** By process id: a new process counts from 0. */
  duplicatesByProcess: Map<number, number>;
}

function createVitals(): WatchedVitals {
  const duplicatesByProcess = new Map<number, number>();
  return {
    readiness: [],
    rssMb: { now: 0, peak: 0 },
    relayInFlight: 0,
    duplicatesByProcess,
    get duplicates() {
      return [...duplicatesByProcess.values()].reduce((sum, count) => sum + count, 0);
    },
  };
}

async function lookAt({ process }: ServiceInstance, vitals: WatchedVitals): Promise<void> {
  const { url, pid } = process;
  const options = { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) };
  try {
    const [{ ready }, metrics] = await Promise.all([
      fetch(`${url}/health/ready`, options).then((answer) => answer.json() as Promise<{ ready: boolean }>),
      fetch(`${url}/metrics`, options).then((answer) => answer.text()),
    ]);
    if (ready !== vitals.readiness.at(-1)) vitals.readiness.push(ready);
    vitals.rssMb.now = Math.round(gaugeOf(metrics, 'process_resident_memory_bytes') / 1e6);
    vitals.rssMb.peak = Math.max(vitals.rssMb.peak, vitals.rssMb.now);
    vitals.relayInFlight = Math.max(vitals.relayInFlight, gaugeOf(metrics, 'warren_relay_in_flight'));
    vitals.duplicatesByProcess.set(pid, sumOf(metrics, 'warren_store_inbox_total', 'result="duplicate"'));
  } catch {
    // The service is down at the moment; keep watching.
    if (vitals.readiness.at(-1) !== false) vitals.readiness.push(false);
  }
}

/** Not a number when the page does not have it. */
function gaugeOf(page: string, metric: string): number {
  return Number(new RegExp(`^${metric}(?:{.*})? (\\S+)$`, 'm').exec(page)?.[1]);
}

/** Sum of the samples of a metric whose labels hold the text. */
function sumOf(page: string, metric: string, label = ''): number {
  const samples = [...page.matchAll(new RegExp(`^${metric}(?:{(.*)})? (\\S+)$`, 'gm'))];
  return samples.reduce((sum, [, labels = '', value]) => (labels.includes(label) ? sum + Number(value) : sum), 0);
}
