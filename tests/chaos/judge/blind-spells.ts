import type { BlindSpell, LoggedEvent } from './evidence.ts';

/** Whether an event was recorded in a time in which nobody watched. */
export function isUnseen({ recordedAt }: Pick<LoggedEvent, 'recordedAt'>, spells: readonly BlindSpell[]): boolean {
  return spells.some(({ from, to }) => recordedAt >= from && recordedAt <= to);
}
