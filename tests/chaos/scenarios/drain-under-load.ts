import { setTimeout as pause } from 'node:timers/promises';
import type { Unanswered } from '../load/client-record.ts';
import type { ServiceInstance } from '../system/service-instance.ts';
import { brokenBy, type Scenario, type ScenarioContext } from './scenario.ts';

/** The services have the setting of this process, or its default. */
const drainTimeoutMs = () => Number(process.env.DRAIN_TIMEOUT_MS) || 10_000;
const PROBE_EVERY_MS = 5;

interface Drained {
  name: string;
  url: string;
  /** SIGTERM, and when its successor was ready, in milliseconds since 1970. */
  from: number;
  to: number;
  /** From SIGTERM to the end of the process. */
  tookMs: number;
  exit: string;
  /** Whether it said ready again after it had begun to drain. */
  saidReadyAgain: boolean;
}

/** Each service in turn gets SIGTERM and is restarted, while clients with open connections place orders on all of them. */
export const drainUnderLoad: Scenario = {
  about: 'each service in its turn is told to stop (SIGTERM) and started again under 150 orders a second, 3 s apart',
  ordersPerSecond: 150,
  seconds: 3,
  async play(context) {
    const { system, vitals, record, options, signal } = context;
    const drained: Drained[] = [];
    for (const service of system.services) {
      await pause(options.seconds * 1000, undefined, { signal });
      await vitals.look(service);
      drained.push(await drain(service));
    }
    return ({ evidence }) => ({
      violations: [
        ...brokenBy(
          `SIGTERM ends a service with exit code 0 within ${drainTimeoutMs()} ms`,
          drained.filter(({ exit, tookMs }) => exit !== 'exit code 0' || tookMs > drainTimeoutMs()).map(textOf),
        ),
        ...brokenBy(
          'a service that drains never says ready again',
          drained.filter((one) => one.saidReadyAgain).map(textOf),
        ),
        ...brokenBy('nothing is handled twice', duplicatesIn(context)),
        ...brokenBy(
          'a request is answered 201, or turned away before anything is stored',
          [...record.answers.keys()].filter(
            (answer) => !/^(201|cancel (200|409)|(cancel )?(503|refused|connection lost))$/.test(answer),
          ),
        ),
        ...brokenBy(
          'only a service that is down or on its way down leaves a request without an answer',
          record.unanswered.filter((one) => !drained.some((drain) => explains(drain, one))).map(describe),
        ),
        ...brokenBy(
          'an order that is stored was answered 201',
          evidence.orders.filter(({ id }) => !record.accepted.has(id)).map(({ id }) => id),
        ),
      ],
      measured: { drained: drained.map(textOf).join('; ') },
    });
  },
};

/** Whether the service was down at some moment of the request. */
function explains(drain: Drained, { target, from, to }: Unanswered): boolean {
  return drain.url === target && to >= drain.from && from <= drain.to;
}

const describe = ({ target, outcome, from, to }: Unanswered): string =>
  `${target}: ${outcome}, sent ${new Date(from).toISOString()}, failed ${to - from} ms later`;

const textOf = ({ name, exit, tookMs }: Drained): string => `${name} ${exit} after ${tookMs} ms`;

async function drain(service: ServiceInstance): Promise<Drained> {
  const startedAt = Date.now();
  let tookMs: number | undefined;
  void service.process.exited.then(() => {
    tookMs = Date.now() - startedAt;
  });
  const ending = service.terminate(0);
  let draining = false;
  let saidReadyAgain = false;
  while (tookMs === undefined) {
    const ready = await isReady(service);
    // The process may have ended, and its successor may be ready, while the request was in flight.
    if (tookMs !== undefined) break;
    saidReadyAgain ||= draining && ready;
    draining ||= !ready;
    await pause(PROBE_EVERY_MS);
  }
  const exit = await ending;
  await service.process.waitUntilReady();
  const { name, process } = service;
  return { name, url: process.url, from: startedAt, to: Date.now(), tookMs, exit, saidReadyAgain };
}

/** Uses its own connection, to see whether new work would be accepted. */
async function isReady({ process }: ServiceInstance): Promise<boolean> {
  const options = { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) };
  const answer = await fetch(`${process.url}/health/ready`, options).catch(() => undefined);
  return answer?.ok ?? false;
}

function duplicatesIn({ system, vitals }: ScenarioContext): string[] {
  return system.services.flatMap((service) => {
    const { duplicates } = vitals.of(service);
    return duplicates > 0 ? [`${service.name}: ${duplicates} copies met its inbox`] : [];
  });
}
