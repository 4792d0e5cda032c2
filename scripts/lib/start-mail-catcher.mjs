import { ExplainedError, startService, waitUntilServing } from '../../shared/servers/src/index.mjs';
import { describeExit, keepRunning } from './keep-running.mjs';
import { ROOT } from './paths.mjs';
import { choosePort, requireFree } from './plan-processes.mjs';
import { createServiceLog } from './service-log.mjs';

const NAME = 'mail-catcher';
const PAGE = { portSetting: 'MAIL_CATCHER_PORT', defaultPort: 8025, owner: 'the page of the mail catcher' };
const SMTP = { portSetting: 'MAIL_CATCHER_SMTP_PORT', defaultPort: 1025, owner: 'the mail catcher' };

/** @typedef {{port: number, smtpPort: number}} MailCatcherPlan */

/**
 * The ports of the mail catcher; `undefined` when none is needed: without `--all`, or with an external mail server.
 * @param {{env: NodeJS.ProcessEnv, all: boolean}} options
 * @returns {Promise<MailCatcherPlan | undefined>}
 */
export async function planMailCatcher({ env, all }) {
  if (!all || env.SMTP_URL?.trim()) return undefined;
  return { port: await choosePort(PAGE, env), smtpPort: await choosePort(SMTP, env) };
}

/**
 * Starts the mail catcher, waits until it accepts mails and keeps it running.
 * @param {import('./start.mjs').StartContext} context
 * @param {MailCatcherPlan} plan
 * @returns {Promise<{smtpUrl: string, pageUrl: string}>}
 */
export async function startMailCatcher({ env, report, signal, onEnd, state }, { port, smtpPort }) {
  const colour = process.stdout.isTTY === true;
  const log = createServiceLog({ name: NAME, write: report.say, colour });
  const ports = { [PAGE.portSetting]: String(port), [SMTP.portSetting]: String(smtpPort) };
  const start = async () => {
    const child = await startService({
      name: NAME,
      main: 'mail-catcher/dist/main.js',
      root: ROOT,
      env: { ...env, ...ports },
      onLine: log.onLine,
    });
    state.addProcess(child);
    return { child, stop: child.stop };
  };
  /** @type {() => Promise<unknown>} */
  let stop = async () => undefined;
  onEnd(() => stop());
  await report.step(`Starting the mail catcher (${smtpPort}, page ${port})`, async () => {
    await requireFree(port, PAGE);
    await requireFree(smtpPort, SMTP);
    const first = await start();
    stop = first.stop;
    const result = await waitUntilServing(first.child, { port, signal });
    if (!result.ready) throw new ExplainedError(explain(first.child, log.lastWords()));
    const kept = keepRunning({ name: NAME, first, start, report });
    stop = kept.stop;
    log.release();
  });
  return { smtpUrl: `smtp://127.0.0.1:${smtpPort}`, pageUrl: `http://localhost:${port}` };
}

/** @param {import('../../shared/servers/src/index.mjs').Child} child @param {string} words */
function explain(child, words) {
  const how = child.exit ? describeExit(child.exit) : 'not ready within 60 s';
  return `The mail catcher did not start (${how}). It says:\n${words}`;
}
