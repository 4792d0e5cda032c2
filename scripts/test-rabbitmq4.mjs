import { ExplainedError } from '../shared/servers/src/index.mjs';
import { createReport } from './lib/report.mjs';
import { requireSupportedNode, runScript } from './lib/run-script.mjs';
import { parseRabbitmq4Options, RABBITMQ4_HELP, testOnRabbitmq4 } from './lib/test-rabbitmq4.mjs';

requireSupportedNode();
const report = createReport();
try {
  const options = parseRabbitmq4Options(process.argv.slice(2));
  if (options.help) report.say(RABBITMQ4_HELP);
  else {
    await runScript({
      report,
      stoppedCode: 130,
      main: (context) => testOnRabbitmq4({ ...context, env: process.env, report }, options),
    });
  }
} catch (error) {
  if (!(error instanceof ExplainedError)) throw error;
  report.fail(error.message);
  process.exitCode = 2;
}
