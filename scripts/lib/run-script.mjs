import { ExplainedError, killEverythingNow } from '../../shared/servers/src/index.mjs';
import { noteDescendants } from './process-table.mjs';

const OLDEST = [20, 19];

/** Ends the script with a message when this Node is too old for the project. */
export function requireSupportedNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = OLDEST;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  process.stderr.write(
    `Warren needs Node ${OLDEST.join('.')} or newer, this is ${process.versions.node}. See https://nodejs.org\n`,
  );
  process.exit(1);
}

/**
 * The context of a script.
 * @typedef {object} ScriptContext
 * @property {AbortSignal} signal aborted when the script must stop
 * @property {(stop: () => Promise<unknown>) => void} onEnd registers a stop function; all are called in any case, last registered first
 *
 * @typedef {object} ScriptOptions
 * @property {import('./report.mjs').Report} report
 * @property {number} stoppedCode exit code after SIGINT, SIGTERM or SIGHUP
 * @property {(context: ScriptContext) => Promise<number>} main returns the exit code
 */

/** Ctrl-C in a terminal reaches us twice: from the terminal, and forwarded by npm. */
const SAME_PRESS_MS = 1_000;
const PARENT_CHECK_MS = 1_000;

/**
 * Runs a script, stops everything it has started, and ends this process with the script's exit code. This also applies when the script fails
 * and when it is stopped at any time. A second Ctrl-C kills whatever is still running.
 * @param {ScriptOptions} options
 */
export async function runScript({ report, stoppedCode, main }) {
  const stopping = new AbortController();
  listenForStop(stopping, report);
  /** @type {(() => Promise<unknown>)[]} */
  const stops = [];
  /** @type {unknown[]} */
  const failures = [];
  let exitCode = stoppedCode;
  try {
    exitCode = await main({ signal: stopping.signal, onEnd: (stop) => void stops.push(stop) });
  } catch (error) {
    if (!stopping.signal.aborted) failures.push(error);
  }
  const untilAllIsGone = noteDescendants();
  // A signal during a stop changes nothing: the stop is already in progress.
  for (const stop of stops.reverse()) {
    try {
      await stop();
    } catch (error) {
      failures.push(error);
    }
  }
  await untilAllIsGone();
  // Printed last, where the user looks first.
  for (const failure of failures) report.fail(describe(failure));
  process.exit(failures.length > 0 ? 1 : exitCode);
}

/** @param {AbortController} stopping @param {import('./report.mjs').Report} report */
function listenForStop(stopping, report) {
  let firstAt = 0;
  /** @param {string} why */
  const onSignal = (why) => {
    if (firstAt === 0) {
      firstAt = Date.now();
      report.say(`\nStopping (${why}) …`);
      stopping.abort(new Error(why));
    } else if (Date.now() - firstAt > SAME_PRESS_MS) {
      report.warn('Stopping at once: killing everything that still runs.');
      killEverythingNow();
      process.exit(130);
    }
  };
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(name, onSignal);
  // If npm itself is killed, it cannot forward a signal.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event) {
    setInterval(() => process.ppid !== parent && firstAt === 0 && onSignal('npm has ended'), PARENT_CHECK_MS).unref();
  }
}

/** @param {unknown} error */
function describe(error) {
  if (error instanceof ExplainedError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
