import type { EventStore } from '../log/event-store.ts';

/** Tells those who follow a stream that something has happened to it. */
export interface StreamWatch {
  /** True once the service drains: nobody is told anything any more, and followers must let go. */
  readonly closed: boolean;
  /** How many follow a stream. */
  readonly size: number;
  /** True while nobody more may follow. */
  readonly full: boolean;
  /**
   * Calls back each time something may have happened to the stream, also when the watch closes. A call is a reason to look, no more: it may
   * come for nothing.
   * @returns the function that ends it
   */
  follow(streamId: string, onChange: () => void): () => void;
  /** Looks for what other instances have done. */
  poll(): Promise<void>;
  /** Calls everybody a last time. */
  close(): void;
}

export interface StreamWatchOptions {
  log: Pick<EventStore, 'onCommitted' | 'query'>;
  /** How many may follow a stream at the same moment. */
  limit: number;
}

interface Followed {
  /** The newest version that the followers were told of. */
  version: number;
  followers: Set<() => void>;
}

/** What is archived has ended long ago. */
const VERSIONS = `
  SELECT wanted.id AS "streamId", newest.stream_version AS version FROM unnest($1::text[]) AS wanted (id)
  CROSS JOIN LATERAL (
    SELECT stream_version FROM events WHERE stream_id = wanted.id ORDER BY stream_version DESC LIMIT 1
  ) newest`;

/**
 * One watch for any number of followers: what this instance commits is told at once, without a query; what others commit is found by
 * `poll`, with one query for all streams that are followed.
 */
export function createStreamWatch({ log, limit }: StreamWatchOptions): StreamWatch {
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
      // A function of its own, so that the same callback may follow twice.
      const follower = () => onChange();
      entry.followers.add(follower);
      size += 1;
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
