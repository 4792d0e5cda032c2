import { setTimeout as pause } from 'node:timers/promises';
import { EXCHANGES } from '@shop/events/topology';
import { waitUntil } from '@warren/testing';
import { brokenInOutage, RECOVERY_LIMIT_SECONDS } from './outage-promises.ts';
import { brokenBy, type Rest, type Scenario, type ScenarioContext, type ScenarioFindings } from './scenario.ts';

const BEFORE_MS = 3000;
/** What was under way when the queue was bound, and a probe of each kind of event after 1, 2, 4 … 30 s; the orders are many times as many. */
const MOST_COPIES = 100;

/** As of a team that wanted to listen for a while, and went home. */
const FOREIGN_QUEUE = 'somebody_elses';
const FULL_AT_ONCE = { 'x-max-length': 1, 'x-overflow': 'reject-publish' };

/** A full queue that is bound to everything makes the broker refuse each event about an order, though every other queue takes it. */
export const refusingQueue: Scenario = {
  about: "somebody else's full queue, bound to the orders' exchange, refuses all for 30 s under 50 orders a second",
  ordersPerSecond: 50,
  seconds: 30,
  async play(context) {
    const { system, load, options, signal } = context;
    const { management, observer } = system;
    const copies = () => observer.seen - observer.firstSeen.size;
    await pause(BEFORE_MS, undefined, { signal });
    const from = { sent: load.sent, copies: copies() };
    await management.call('PUT', `/queues/%2F/${FOREIGN_QUEUE}`, { durable: true, arguments: FULL_AT_ONCE });
    await management.call('POST', `/bindings/%2F/e/${EXCHANGES.orders}/q/${FOREIGN_QUEUE}`, { routing_key: '#' });
    await pause(options.seconds * 1000, undefined, { signal });
    await management.call('DELETE', `/queues/%2F/${FOREIGN_QUEUE}`);
    const until = Date.now();
    await waitUntil(() => system.services.every((service) => context.vitals.of(service).readiness.at(-1)), {
      timeoutMs: 2 * RECOVERY_LIMIT_SECONDS * 1000,
      what: 'every service to be ready again',
    });
    const refusal = { sent: load.sent - from.sent, readyAfterSeconds: (Date.now() - until) / 1000 };
    return (rest) => judge(context, { ...refusal, copies: copies() - from.copies }, rest);
  },
};

interface Refusal {
  /** Orders placed meanwhile. */
  sent: number;
  /** Messages that came to the observer again. */
  copies: number;
  readyAfterSeconds: number;
}

function judge({ system, record, vitals }: ScenarioContext, refusal: Refusal, rest: Rest): ScenarioFindings {
  const { sent, copies, readyAfterSeconds } = refusal;
  const seen = system.services.map((service) => ({ service, readiness: String(vitals.of(service).readiness) }));
  const orders = seen.filter(({ service }) => service.service === 'order');
  const others = seen.filter(({ service }) => service.service !== 'order');
  return {
    violations: [
      ...brokenInOutage(record, readyAfterSeconds, rest),
      ...brokenBy(
        'the order service that publishes is not ready meanwhile, and ready again after it',
        orders.some(({ readiness }) => /^true,false,true$/.test(readiness))
          ? []
          : orders.map(({ service, readiness }) => `${service.name}: ${readiness}`),
      ),
      ...brokenBy(
        'nothing else is held up: the others stay ready',
        others
          .filter(({ readiness }) => readiness !== 'true')
          .map(({ service, readiness }) => `${service.name}: ${readiness}`),
      ),
      ...brokenBy(
        `everybody else gets at most ${MOST_COPIES} copies`,
        copies > MOST_COPIES ? [`${copies} copies of ${sent} orders`] : [],
      ),
    ],
    measured: {
      'orders placed meanwhile': `${sent}, and ${copies} copies of their events`,
      'ready again': `${readyAfterSeconds.toFixed(1)} s after the queue was gone`,
    },
  };
}
