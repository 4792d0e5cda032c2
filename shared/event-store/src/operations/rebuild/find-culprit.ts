import { AppError, toAppError } from '@warren/kernel';
import type { Client } from 'pg';
import { translateDatabaseError } from '../../database/database-errors.ts';
import type { RecordedEvent } from '../../log/event-store.ts';

/**
 * Finds the event because of which a page of thousands cannot be applied: applies each event alone, then rolls it back.
 * @returns an error that names the event; the failure of the page if it is transient, or if each event alone can be applied
 */
export async function findCulprit(
  writer: Client,
  {
    events,
    failure,
    apply,
  }: { events: RecordedEvent[]; failure: unknown; apply(events: RecordedEvent[]): Promise<void> },
): Promise<unknown> {
  if (toAppError(translateDatabaseError(failure)).kind === 'transient') return failure;
  await writer.query('ROLLBACK');
  for (const event of events) {
    await writer.query('BEGIN');
    try {
      await apply([event]);
    } catch (thrown) {
      return blame(event, thrown);
    } finally {
      await writer.query('ROLLBACK');
    }
  }
  return failure;
}

function blame({ type, streamId, streamVersion, position }: RecordedEvent, thrown: unknown): AppError {
  const { code, kind, message, details } = toAppError(translateDatabaseError(thrown));
  const event = `event ${streamVersion} of ${streamId} (${type}, position ${position})`;
  return new AppError({
    code,
    kind,
    message: `${event} cannot be applied: ${message}`,
    details: { ...details, streamId, streamVersion, position },
    cause: thrown,
  });
}
