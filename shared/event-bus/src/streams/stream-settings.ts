import { formats, type Settings, setting } from '@warren/kernel';
import type { StreamRetention } from './stream.ts';

/** The settings of a service that reads the stream of all events. They must be the same for every service that declares it. */
export const streamSettings = {
  streamMaxAgeMs: setting({
    env: 'STREAM_MAX_AGE_MS',
    doc: 'The stream of all events drops messages older than this, in milliseconds. To change it, delete the stream.',
    format: formats.integer(1000, 31_536_000_000),
    default: 604_800_000,
  }),
  streamMaxBytes: setting({
    env: 'STREAM_MAX_BYTES',
    doc: 'The stream of all events drops its oldest messages when it exceeds this many bytes. To change it, delete the stream.',
    format: formats.integer(1_000_000, 1_000_000_000_000),
    default: 2_000_000_000,
  }),
};

/** The stream retention from a service's settings. */
export function streamRetentionOf(settings: Settings<typeof streamSettings>): StreamRetention {
  return { maxAgeMs: settings.streamMaxAgeMs, maxBytes: settings.streamMaxBytes };
}
