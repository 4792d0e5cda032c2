import { formatTable } from './table.ts';

/** An event in a timeline. */
export interface TimelineEvent {
  readonly type: string;
  readonly version: number;
  readonly timestamp: string;
  readonly data: unknown;
}

/** Events as a table, oldest first, each with the time since the first one. */
export function formatTimeline(events: readonly TimelineEvent[]): string {
  const first = events[0];
  if (!first) return 'Nothing has happened yet.\n';
  const begin = Date.parse(first.timestamp);
  return formatTable(events, [
    { title: 'TIME', value: (event) => event.timestamp },
    { title: 'AFTER', value: (event) => formatSpan(Date.parse(event.timestamp) - begin), align: 'right' },
    { title: 'EVENT', value: (event) => (event.version === 1 ? event.type : `${event.type} v${event.version}`) },
    { title: 'WHAT', value: (event) => describe(event.data) },
  ]);
}

/** The scalar members of an event's data: `status=cancelled reason="…"`. Ids and lists are shown elsewhere. */
function describe(data: unknown): string {
  return Object.entries(data ?? {})
    .filter(([name, value]) => typeof value !== 'object' && !/^id$|Id$|At$/.test(name))
    .map(([name, value]) => `${name}=${/\s/.test(String(value)) ? JSON.stringify(value) : value}`)
    .join(' ');
}

/** A human-readable duration: `42 ms`, `1.5 s`, `2 min 3 s`. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}
