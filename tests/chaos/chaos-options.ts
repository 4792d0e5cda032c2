import { parseArgs } from 'node:util';
import { wholeNumber } from '../program/run-program.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';
import { MECHANISMS } from './system/mechanisms.mjs';
import type { Instances } from './system/service-instance.ts';

export interface ChaosOptions {
  seed: number;
  faults: number;
  /** The number of instances of each service. */
  instances: Instances;
  ordersPerSecond: number;
  /** Name of a mechanism to switch off in the services. */
  without?: string;
  /** How long the system may take to settle after the last fault, in seconds. */
  quietSeconds: number;
  /** Name of the scenario to play instead of random faults. */
  scenario?: string;
  /** How long the scenario's fault lasts. */
  seconds: number;
}

/** Runs beside the order and the inventory service, save in a scenario, which says what it is about: two where one takes over from another or shares with it. */
const OTHERS = { payment: 2, user: 2, notification: 2, analytics: 1 } satisfies Instances;

export const CHAOS_HELP = `npm run chaos -- [options]

Hurts a running system of all services in every way it knows, under load, and checks afterwards that every promise was kept.

  --seed <n>          draws the faults and the load; default: a new one, which is printed
  --faults <n>        how many faults; default 100, three to six minutes
  --orders <n>        instances of the order service; default 2
  --inventories <n>   instances of the inventory service; default 2
  --rate <n>          orders per second, those of the rushes on top; default 15, or the scenario's
  --quiet <seconds>   limit for coming to rest after the last fault; default 120
  --without <name>    runs the services without one mechanism, which the suite must notice:
                      ${Object.keys(MECHANISMS).join(', ')}
  --scenario <name>   plays one story at full size instead of drawn faults, and judges it by its own promises as well;
                      the order and the inventory service, and what else it names:
${Object.entries(SCENARIOS)
  .map(([name, { about }]) => `                      ${name}: ${about}`)
  .join('\n')}
  --seconds <n>       how long the fault of the scenario lasts; default: the scenario's
  --help

The exit code is 0 when every promise was kept, 1 when one was broken, 2 when the suite itself failed, 130 after Ctrl-C.`;

/** Reads the command line. `help` when it asks for that. @throws an Error that says what is wrong */
export function parseChaosOptions(args: readonly string[]): ChaosOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      faults: { type: 'string', default: '100' },
      orders: { type: 'string', default: '2' },
      inventories: { type: 'string', default: '2' },
      rate: { type: 'string' },
      quiet: { type: 'string', default: '120' },
      without: { type: 'string' },
      scenario: { type: 'string' },
      seconds: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { without, scenario } = values;
  const story = scenario === undefined ? undefined : SCENARIOS[scenario];
  if (scenario !== undefined && !story) {
    throw new Error(`--scenario must be one of ${Object.keys(SCENARIOS).join(', ')}`);
  }
  if (without !== undefined && !Object.hasOwn(MECHANISMS, without)) {
    throw new Error(`--without must be one of ${Object.keys(MECHANISMS).join(', ')}`);
  }
  return {
    seed: wholeNumber('seed', values.seed ?? String(Math.floor(Math.random() * 1_000_000)), { min: 0, max: 2 ** 31 }),
    faults: story ? 0 : wholeNumber('faults', values.faults, { min: 0, max: 10_000 }),
    instances: {
      order: wholeNumber('orders', values.orders, { min: 1, max: 8 }),
      inventory: wholeNumber('inventories', values.inventories, { min: 1, max: 8 }),
      ...(story ? story.others : OTHERS),
    },
    ordersPerSecond: wholeNumber('rate', values.rate ?? String(story?.ordersPerSecond ?? 15), { min: 1, max: 2000 }),
    quietSeconds: wholeNumber('quiet', values.quiet, { min: 1, max: 3600 }),
    without,
    scenario,
    seconds: wholeNumber('seconds', values.seconds ?? String(story?.seconds ?? 0), { min: 0, max: 3600 }),
  };
}
