import type { Violation } from '../judge/invariant.ts';
import type { ClientRecord } from '../load/client-record.ts';
import { brokenBy, type Rest } from './scenario.ts';

/** For readiness after an outage, and for rest after the last order, in seconds. */
export const RECOVERY_LIMIT_SECONDS = 60;

/** What is to hold whenever orders can be stored and not processed for a while: those of these promises that were broken. */
export function brokenInOutage(record: ClientRecord, readyAfterSeconds: number, rest: Rest): Violation[] {
  const { settledSeconds, evidence } = rest;
  return [
    ...brokenBy(
      'every order placed is answered 201, and every cancellation decided',
      [...record.answers]
        .filter(([answer]) => !['201', 'cancel 200', 'cancel 409'].includes(answer))
        .map(([status, count]) => `${count} ${status}`),
    ),
    ...brokenBy(
      `every service is ready again within ${RECOVERY_LIMIT_SECONDS} s, and all at rest within as long after the last order`,
      [
        ...(readyAfterSeconds > RECOVERY_LIMIT_SECONDS ? [`ready after ${readyAfterSeconds} s`] : []),
        ...(settledSeconds > RECOVERY_LIMIT_SECONDS ? [`at rest after ${settledSeconds} s`] : []),
      ],
    ),
    ...brokenBy(
      'no order runs into its deadline',
      evidence.events.filter(({ by }) => by === 'deadline').map(({ stream }) => stream),
    ),
  ];
}
