import type { ChaosOptions } from './chaos-options.ts';
import { createFaultRunner } from './faults/fault-runner.ts';
import { drawSchedule } from './faults/schedule.ts';
import { countsOf } from './judge/counts.ts';
import type { BlindSpell, Outage } from './judge/evidence.ts';
import { gatherEvidence } from './judge/gather-evidence.ts';
import { checkInvariants } from './judge/invariants.ts';
import { type ChaosReport, isClean, type ServiceTrace } from './judge/report.ts';
import { startClientLoad } from './load/client-load.ts';
import { createClientRecord, type OrderLine } from './load/client-record.ts';
import { INITIAL_STOCK } from './load/products.ts';
import { sendStock } from './load/send-stock.ts';
import { createProgress } from './progress.ts';
import { createRandom } from './random.ts';
import { playScenario } from './scenarios/play-scenario.ts';
import { type ChaosSystem, startChaosSystem } from './system/chaos-system.ts';
import type { ServiceName } from './system/service-instance.ts';
import { settle } from './system/settle.ts';

export interface RunChaosOptions extends ChaosOptions {
  /** For files of the run. */
  directory: string;
  say(line: string): void;
  /** Aborts the run; nothing is left running. */
  signal: AbortSignal;
}

/** One run: starts the system, applies load and faults, waits until it settles, checks the invariants, stops it. @throws when the suite itself fails, or is aborted */
export async function runChaos({ directory, say, signal, ...options }: RunChaosOptions): Promise<ChaosReport> {
  const startedAt = Date.now();
  const services = Object.entries(options.instances).map(([service, count]) => `${count} ${service}`);
  say(`seed ${options.seed}: starting a broker, a database, a mail server, services: ${services.join(', ')} …`);
  const system = await startChaosSystem({ ...options, directory, hurried: options.scenario === undefined, signal });
  try {
    return await hurtAndJudge({ system, options, say, signal, startedAt });
  } finally {
    await system.close();
  }
}

interface Run {
  system: ChaosSystem;
  options: ChaosOptions;
  say(line: string): void;
  signal: AbortSignal;
  startedAt: number;
}

async function hurtAndJudge({ system, options, say, signal, startedAt }: Run): Promise<ChaosReport> {
  const random = createRandom(options.seed);
  const names = system.services.map(({ name }) => name);
  const schedule = drawSchedule(options.faults, names, random);
  const record = createClientRecord();
  const blindSpells: BlindSpell[] = [];
  const outages: Outage[] = [];
  const urlsOf = (service: ServiceName) => system.instancesOf(service).map(({ process }) => process.url);
  const targets = { orders: urlsOf('order'), users: urlsOf('user') };
  const supply = (line: OrderLine) => sendStock({ observer: system.observer, record, line, times: 1 });
  const { ordersPerSecond, scenario } = options;
  const rushes = scenario === undefined;
  const payments = system.instancesOf('payment').length > 0;
  const load = startClientLoad({ targets, payments, ordersPerSecond, rushes, supply, random, record });
  const runner = createFaultRunner({ schedule, system, load, record, blindSpells, outages, signal });
  const progress = createProgress({ runner, load, record, total: options.faults, say });
  try {
    const judgeScenario = await playScenario({ system, load, record, options, signal });
    await runner.run();
    progress.enter('quiet');
    await load.stop();
    signal.throwIfAborted();
    const restFrom = Date.now();
    const unsettled = await settle(system, { limitMs: options.quietSeconds * 1000, signal });
    signal.throwIfAborted();
    const settledSeconds = secondsSince(restFrom);
    progress.enter('judging');
    const evidence = await gatherEvidence({ system, record, initialStock: INITIAL_STOCK, blindSpells, outages });
    const findings = await judgeScenario({ evidence, settledSeconds });
    const report: ChaosReport = {
      options,
      startedAt: new Date(startedAt).toISOString(),
      seconds: secondsSince(startedAt),
      violations: [...findings.violations, ...checkInvariants(evidence)],
      measured: findings.measured,
      unsettled,
      settledSeconds,
      faults: runner.outcomes,
      ownExits: system.services.flatMap(({ ownExits }) => ownExits),
      counts: { ...countsOf(evidence), 'orders due and not sent': load.dropped },
      answers: Object.fromEntries(record.answers),
    };
    return isClean(report) ? report : { ...report, services: await traceServices(system) };
  } finally {
    progress.stop();
    await load.stop();
  }
}

async function traceServices({ services }: ChaosSystem): Promise<Record<string, ServiceTrace>> {
  const traced = services.map(async ({ name, process: { url, output } }): Promise<[string, ServiceTrace]> => {
    const asked = fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text());
    return [name, { readiness: await asked.catch((error: Error) => error.message), log: output }];
  });
  return Object.fromEntries(await Promise.all(traced));
}

const secondsSince = (from: number): number => Math.round((Date.now() - from) / 100) / 10;
