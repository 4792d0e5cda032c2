import { deadLetterQueue } from '@warren/contracts';
import { HEADERS } from '@warren/event-bus';
import type { ClientRecord } from '../load/client-record.ts';
import type { ChaosSystem } from '../system/chaos-system.ts';
import type { QueueCount } from '../system/management.ts';
import { digestOf } from './digest.ts';
import type { BlindSpell, DeadLetter, Evidence, Outage } from './evidence.ts';
import { readTables } from './tables.ts';

export interface EvidenceOptions {
  system: ChaosSystem;
  record: ClientRecord;
  initialStock: ReadonlyMap<string, number>;
  blindSpells: readonly BlindSpell[];
  outages: readonly Outage[];
}

/** Gathers the evidence. Empties the dead-letter queues. */
export async function gatherEvidence({
  system,
  record,
  initialStock,
  blindSpells,
  outages,
}: EvidenceOptions): Promise<Evidence> {
  const { observer, management, postgres, services, mailServer } = system;
  const running = new Set(services.map(({ service }) => service));
  const queues = await management.queues();
  const deadLetters = await drainDeadLetters(system, queues);
  const { tables, firstSeen, types } = await readWithoutNews(observer, () => readTables(postgres.url, running));
  return {
    ...tables,
    record,
    initialStock,
    running,
    mails: mailServer.mails,
    notificationEnds: system.instancesOf('notification').flatMap(({ ends }) => ends),
    firstSeen,
    types,
    seenAt: observer.seenAt,
    seenLate: observer.seenLate,
    outages,
    deadlineMs: system.deadlineMs,
    blindSpells,
    deadLetters,
    leftInQueues: queues
      .filter(({ name, type }) => type !== 'stream' && !name.endsWith(DEAD_LETTERS))
      .map(({ name, messages = 0 }) => ({ queue: name, messages })),
    faultsLogged: services.flatMap(({ name, process }) =>
      process.output.filter(tellsOfFault).map((line) => `${name}: ${line}`),
    ),
  };
}

const MAX_READINGS = 10;

/**
 * Reads the tables until no message is published meanwhile. That takes many seconds, and even a system at rest announces its figures: such a
 * message would be missing in tables that were read before it.
 * @throws when messages keep coming
 */
export async function readWithoutNews<Tables>(
  observer: Pick<ChaosSystem['observer'], 'firstSeen' | 'types'>,
  read: () => Promise<Tables>,
): Promise<{ tables: Tables } & Pick<Evidence, 'firstSeen' | 'types'>> {
  for (let reading = 1; reading <= MAX_READINGS; reading += 1) {
    const firstSeen = new Map(observer.firstSeen);
    const types = new Map(observer.types);
    const tables = await read();
    if (observer.firstSeen.size === firstSeen.size) return { tables, firstSeen, types };
  }
  const last = [...observer.firstSeen.keys()].at(-1) as string;
  throw new Error(`messages are still published after ${MAX_READINGS} readings, at last ${observer.types.get(last)}`);
}

/** Poison that fails as a fault is none of these: its errors are `invalid` and `not-found`. */
function tellsOfFault(line: string): boolean {
  return /"code":"(STOCK_LEVEL_MISMATCH|PAYMENT_NOT_REQUESTED|GATEWAY_REFUSED|UNEXPECTED|DATABASE_FAULT|TOPOLOGY_REFUSED)"|uncaught exception/.test(
    line,
  );
}

const DEAD_LETTERS = deadLetterQueue('');

async function drainDeadLetters({ observer }: ChaosSystem, queues: readonly QueueCount[]): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (const { name } of queues.filter((one) => one.name.endsWith(DEAD_LETTERS))) {
    const queue = name.slice(0, -DEAD_LETTERS.length);
    for (const { properties, content } of await observer.drain(name)) {
      const { messageId, headers = {} } = properties;
      letters.push({
        queue,
        messageId: String(messageId),
        digest: digestOf(content),
        reason: String(headers[HEADERS.reason] ?? headers['x-first-death-reason']),
        headers: JSON.stringify(headers).slice(0, 400),
      });
    }
  }
  return letters;
}
