import type { EventStore } from '../log/event-store.ts';

/** Notifies the followers of a stream of changes. */
export interface StreamWatch {
  /** True once the service drains: notifications stop, and followers must unsubscribe. */
  readonly closed: boolean;
  /** Number of followers of all streams. */
  readonly size: number;
  /** True while the limit of followers is reached. */
  readonly full: boolean;
  /**
   * Calls `onChange` each time the stream may have changed, and when the watch closes. A call may be spurious: load the stream to find out.
   * @returns a function that unsubscribes
   */
  follow(streamId: string, onChange: () => void): () => void;
  /** Looks for changes by other instances; asks nothing while nobody follows. */
  poll(): Promise<void>;
  /** Notifies all followers a last time. */
  close(): void;
}

export interface StreamWatchOptions {
  log: Pick<EventStore, 'onCommitted' | 'query'>;
  /** Maximum number of concurrent followers of all streams. */
  limit: number;
  /** Called when someone follows while nobody else does. */
  onFirst?(): void;
}

interface Followed {
  /** The newest version that the followers were notified of. */
  version: number;
  followers: Set<() => void>;
}

/** Does not search the archive: archived streams ended long ago. */
const VERSIONS = `
  SELECT wanted.id AS "streamId", newest.stream_version AS version FROM unnest($1::text[]) AS wanted (id)
  CROSS JOIN LATERAL (
    SELECT stream_version FROM events WHERE stream_id = wanted.id ORDER BY stream_version DESC LIMIT 1
  ) newest`;

/**
 * Creates one watch for any number of followers. It notifies them of this instance's commits at once, without a query. `poll` finds commits of
 * other instances with one query for all followed streams.
 */
export function createStreamWatch({ log, limit, onFirst }: StreamWatchOptions): StreamWatch {
  const followed = new Map<string, Followed>();
  let size = 0;
  let closed = false;

  function tell(streamId: string, version: number): void {
    const entry = followed.get(streamId);
    if (!entry || entry.version >= version) return;
    entry.version = version;
    for (const onChange of entry.followers) onChange();
  }

  const stopListening = log.onCommitted((events) => {
    for (const { streamId, streamVersion } of events) tell(streamId, streamVersion);
  });

  return {
    get closed() {
      return closed;
    },
    get size() {
      return size;
    },
    get full() {
      return size >= limit;
    },
    follow(streamId, onChange) {
      const entry = followed.get(streamId) ?? { version: 0, followers: new Set() };
      followed.set(streamId, entry);
      // A separate function, so that the same callback may follow twice.
      const follower = () => onChange();
      entry.followers.add(follower);
      size += 1;
      if (size === 1) onFirst?.();
      return () => {
        if (!entry.followers.delete(follower)) return;
        size -= 1;
        if (entry.followers.size === 0) followed.delete(streamId);
      };
    },
    async poll() {
      if (followed.size === 0) return;
      const query = { name: 'warren/versions', text: VERSIONS, values: [[...followed.keys()]] };
      const { rows } = await log.query<{ streamId: string; version: number }>(query);
      for (const { streamId, version } of rows) tell(streamId, version);
    },
    close() {
      closed = true;
      stopListening();
      for (const { followers } of followed.values()) for (const onChange of followers) onChange();
    },
  };
}
