import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '@warren/testing';
import type { ServiceInstance } from '../system/service-instance.ts';
import { brokenInOutage, RECOVERY_LIMIT_SECONDS } from './outage-promises.ts';
import { brokenBy, type Rest, type Scenario, type ScenarioContext, type ScenarioFindings } from './scenario.ts';

/** What the relay may have read and not yet published: `maxInFlight` of its pace and a page. The orders of a full outage are several times as many. */
const RELAY_BOUND = 2500;
const BEFORE_MS = 3000;
/** For so long before the outage, and after the order services are ready again, the inventory does nothing. */
const FROZEN_MS = 1000;

/**
 * The broker is killed, stays away, and comes back. Meanwhile every order is taken. The inventory comes back last: the orders that it had
 * not answered before the outage have had no time of it yet, however old they are.
 */
export const brokerOutage: Scenario = {
  about:
    'the broker is killed (SIGKILL) and stays away for 30 s under 200 orders a second; the inventory comes back last',
  ordersPerSecond: 200,
  seconds: 30,
  async play(context) {
    const { system, load, record, options, signal } = context;
    await pause(BEFORE_MS, undefined, { signal });
    const rssMbBefore = new Map(system.services.map((service) => [service.name, context.vitals.of(service).rssMb.now]));
    const inventories = system.instancesOf('inventory');
    for (const { process } of inventories) process.signal('SIGSTOP');
    await pause(FROZEN_MS, undefined, { signal });
    const from = { at: Date.now(), sent: load.sent, dropped: load.dropped, answered: record.latenciesMs.length };
    await system.broker.sync();
    await system.broker.kill();
    await pause(options.seconds * 1000, undefined, { signal });
    await system.broker.start();
    const until = { at: Date.now(), sent: load.sent, dropped: load.dropped, answered: record.latenciesMs.length };
    const ready = (services: readonly ServiceInstance[]) =>
      waitUntil(() => services.every((service) => context.vitals.of(service).readiness.at(-1)), {
        timeoutMs: 2 * RECOVERY_LIMIT_SECONDS * 1000,
        what: 'every service to be ready again',
      });
    await ready(system.instancesOf('order'));
    await pause(FROZEN_MS, undefined, { signal });
    for (const { process } of inventories) process.signal('SIGCONT');
    await ready(system.services);
    const outage = {
      seconds: (until.at - from.at) / 1000,
      sent: until.sent - from.sent,
      dropped: until.dropped - from.dropped,
      rssMbBefore,
      latenciesMs: record.latenciesMs.slice(from.answered, until.answered).sort((a, b) => a - b),
      readyAfterSeconds: (Date.now() - until.at) / 1000,
    };
    return (rest) => judge(context, outage, rest);
  },
};

interface Outage {
  seconds: number;
  sent: number;
  dropped: number;
  latenciesMs: readonly number[];
  /** By service. */
  rssMbBefore: ReadonlyMap<string, number>;
  readyAfterSeconds: number;
}

function judge({ system, record, vitals }: ScenarioContext, outage: Outage, rest: Rest): ScenarioFindings {
  const { seconds, sent, dropped, latenciesMs, rssMbBefore, readyAfterSeconds } = outage;
  const seen = system.services.map((service) => {
    const { name } = service;
    const { readiness, relayInFlight, rssMb } = vitals.of(service);
    return { name, readiness, relayInFlight, rssMb: { before: rssMbBefore.get(name) ?? 0, peak: rssMb.peak } };
  });
  const at = (share: number) => Math.round(latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN);
  return {
    violations: [
      ...brokenInOutage(record, readyAfterSeconds, rest),
      ...brokenBy(
        'readiness is false while the broker is away, and true again after it',
        seen.filter(({ readiness }) => !/^true,false,.*true$/.test(String(readiness))).map(({ name }) => name),
      ),
      ...brokenBy(
        `the orders wait in the database: a relay holds ${RELAY_BOUND} events at most`,
        // Not a number when the service does not tell: that is broken as well.
        seen
          .filter(({ relayInFlight }) => !(relayInFlight <= RELAY_BOUND))
          .map(({ name, relayInFlight }) => `${name}: ${relayInFlight}`),
      ),
    ],
    measured: {
      'broker away': `${seconds.toFixed(1)} s, its start included; every service ready ${readyAfterSeconds.toFixed(1)} s later`,
      'orders placed meanwhile': `${sent} of ${sent + dropped} due, answered after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1 - Number.EPSILON)} ms`,
      'events in hand of the relays at most': seen
        .map(({ name, relayInFlight }) => `${name} ${relayInFlight}`)
        .join('; '),
      'memory before and at most': seen
        .map(({ name, rssMb }) => `${name} ${rssMb.before}, ${rssMb.peak} MB`)
        .join('; '),
    },
  };
}
