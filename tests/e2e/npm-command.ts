import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { uniqueName, waitUntil } from '@warren/testing';
import { processesOf } from '../../scripts/lib/private-run.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
/** What a developer or the test run itself has set must not reach the command. */
const UNSET = { AMQP_URL: '', DATABASE_URL: '', INITIAL_STOCK: '', LOG_LEVEL: '' };
/** npm, on Node 22 and later, keeps its own compiled code in the temporary directory. Tests look there for what our commands leave. */
const QUIET_NPM = { NODE_DISABLE_COMPILE_CACHE: '1' };

/** `npm start`, or another command of npm, as a user runs it. */
export interface NpmCommand {
  /** Everything it has written so far, to both streams. */
  readonly output: string;
  /** Resolves when the output matches. @throws when it ends or takes longer than a minute and a half */
  waitFor(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Sends a signal to `npm`, as a terminal or a service manager does. */
  signal(name: NodeJS.Signals): void;
  /** Its exit code; null when it was killed. */
  readonly exited: Promise<number | null>;
  /** What still runs of all that it has started. */
  leftovers(): { pid: number; command: string }[];
}

/** Runs `npm <args>` with the given settings. All that it keeps is below the directory. */
export function runNpm(args: string[], dataDir: string, env: Record<string, string> = {}): NpmCommand {
  const marker = uniqueName('npm');
  const child = spawn('npm', args, {
    cwd: ROOT,
    env: { ...process.env, ...UNSET, ...QUIET_NPM, DATA_DIR: dataDir, WARREN_NPM_MARKER: marker, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let ended = false;
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      ended = true;
      resolve(code);
    });
  });
  return {
    get output() {
      return output;
    },
    async waitFor(pattern) {
      const found = await waitUntil(() => output.match(pattern) ?? (ended ? 'ended' : undefined), {
        timeoutMs: 240_000,
        what: `${pattern} in the output of npm ${args[0]}`,
      });
      if (found === 'ended') throw new Error(`npm ${args[0]} ended without ${pattern}:\n${output}`);
      return found;
    },
    signal: (name) => void child.kill(name),
    exited,
    leftovers: () => processesOf(marker, dataDir),
  };
}
