import { setTimeout as delay } from 'node:timers/promises';
import type { EventPublisher } from '@warren/contracts';
import type { Bell } from '@warren/kernel';
import type { RelayPace } from './relay.ts';
import type { LogPage, RelayReader } from './relay-reader.ts';
import type { SendWindow } from './send-window.ts';

export interface LogReadingOptions {
  reader: RelayReader;
  window: SendWindow;
  publisher: Pick<EventPublisher, 'canPublish'>;
  pace: Pick<RelayPace, 'pollMs' | 'maxInFlight'>;
  /** Rings when there may be something to read, or a reason to stop. */
  signal: Bell;
  isOver(): boolean;
  /** Called when reading waits for the publisher: the signal must ring once it can publish. */
  awaitPublisher(): void;
}

/** When a relay reads its log, and when it rests. */
export interface LogReading {
  /** True while reading waits for entries to be settled. */
  readonly wantsRoom: boolean;
  /** Reads the log now. @param tx a transaction to be read: until it is, the pauses are short @default none */
  readNow(tx?: bigint): void;
  /** Reads until the term is over. */
  run(): Promise<void>;
  /** Reads until nothing is ahead of the reader, so that the cursor can pass it and the next term does not publish it again. */
  catchUp(): Promise<void>;
}

/** Pause between two reads while events are ahead of the reader, in milliseconds: often enough for the cursor to follow. */
const AHEAD_MS = 200;
/** Pauses while committed events only wait for another transaction to end, in milliseconds: that usually takes a few. They double. */
const HELD_BACK = { firstMs: 1, longestMs: 20 };

const doubled = (pauseMs: number): number => Math.min(Math.max(HELD_BACK.firstMs, pauseMs * 2), HELD_BACK.longestMs);

/** Creates the loop that reads the log for one term of a relay. */
export function createLogReading(options: LogReadingOptions): LogReading {
  const { reader, window, publisher, pace, signal, isOver } = options;
  let wantsRoom = false;
  /** A read was requested after the last one began. */
  let requested = false;
  /** The newest transaction that is known to need reading. */
  let newest = -1n;

  async function read(): Promise<LogPage> {
    requested = false;
    const page = await reader.next(window.known());
    window.add(page);
    return page;
  }

  /** If all entries are ahead of the reader, only reading makes room. */
  const isFull = () => window.size >= pace.maxInFlight && window.size > window.ahead;

  /** Waits until the pause is over or should end. Once an event is ahead of the reader, the pause is at most `AHEAD_MS`. */
  async function rest(pauseMs: number, shouldEnd: () => boolean): Promise<void> {
    let until = performance.now() + pauseMs;
    for (let leftMs = pauseMs; leftMs > 0 && !shouldEnd(); leftMs = until - performance.now()) {
      await signal.wait(leftMs);
      if (window.ahead > 0) until = Math.min(until, performance.now() + AHEAD_MS);
    }
  }

  return {
    get wantsRoom() {
      return wantsRoom;
    },
    readNow(tx = -1n) {
      if (tx > newest) newest = tx;
      requested = true;
      signal.ring();
    },
    async run() {
      let heldBackMs = 0;
      while (!isOver()) {
        wantsRoom = isFull();
        if (wantsRoom || !publisher.canPublish()) {
          if (!wantsRoom) options.awaitPublisher();
          await signal.wait(pace.pollMs);
          continue;
        }
        const { caughtUp, heldBack, entries } = await read();
        if (!caughtUp) continue;
        const waits = heldBack && (window.ahead === 0 || window.isUnread(newest));
        heldBackMs = waits ? doubled(entries.length > 0 ? 0 : heldBackMs) : 0;
        // Reads that are requested during such a pause would be held back too.
        if (waits) await rest(Math.min(heldBackMs, pace.pollMs), isOver);
        else await rest(window.ahead > 0 ? Math.min(AHEAD_MS, pace.pollMs) : pace.pollMs, () => requested || isOver());
      }
    },
    async catchUp() {
      let pauseMs = 0;
      while (window.ahead > 0 && !isFull() && !window.closed) {
        const { caughtUp } = await read();
        if (!caughtUp || window.ahead === 0) continue;
        pauseMs = doubled(pauseMs);
        await delay(pauseMs);
      }
    },
  };
}
