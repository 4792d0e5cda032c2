import { parseArgs } from 'node:util';
import { ExplainedError } from '../../shared/servers/src/index.mjs';
import { SERVICES } from './services.mjs';

const OTHERS = SERVICES.filter(({ core }) => !core).map(({ name }) => name);
const PORTS = SERVICES.map(({ portSetting, defaultPort }) => `  ${portSetting.padEnd(18)}  default ${defaultPort}`);

export const START_HELP = `Usage: npm start [-- options]

Starts everything in the foreground: RabbitMQ, Postgres, the order service and the inventory service.
Ctrl-C stops all of it. Data stays in .data/.

Options
  --all               the other services too: ${OTHERS.join(', ')};
                      and a mail catcher, which shows the mails on a page
  --orders <n>        instances of the order service behind its one port (default 1)
  --inventories <n>   instances of the inventory service; the first has INVENTORY_PORT, the others take free ports (default 1)
  --watch             build and restart the services when a source file changes (npm run dev)
  --help              this text

Settings (environment)
${PORTS.join('\n')}
  AMQP_URL            a RabbitMQ to use; default: one of its own, from rabbitmq-server, Docker, apt-get or brew
  DATABASE_URL        a Postgres to use; default: one of its own below DATA_DIR
  SMTP_URL            a mail server to use; default: the mail catcher
  MAIL_CATCHER_PORT   its page, default 8025; MAIL_CATCHER_SMTP_PORT default 1025
  DATA_DIR            default .data
  and those of the services, such as LOG_LEVEL and INITIAL_STOCK: see docs/settings.md`;

const MOST_INSTANCES = 16;

/**
 * @typedef {object} StartOptions
 * @property {boolean} help
 * @property {boolean} watch
 * @property {boolean} all
 * @property {number} orders
 * @property {number} inventories
 */

/** @param {string[]} args @returns {StartOptions} */
export function parseStartOptions(args) {
  const { values } = parse(args);
  return {
    help: values.help ?? false,
    watch: values.watch ?? false,
    all: values.all ?? false,
    orders: instances('--orders', values.orders),
    inventories: instances('--inventories', values.inventories),
  };
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        help: { type: 'boolean', short: 'h' },
        watch: { type: 'boolean' },
        all: { type: 'boolean' },
        orders: { type: 'string' },
        inventories: { type: 'string' },
      },
    });
  } catch (error) {
    throw new ExplainedError(`${/** @type {Error} */ (error).message.split('. ')[0]}. See: npm start -- --help`);
  }
}

/** @param {string} option @param {string | undefined} text */
function instances(option, text = '1') {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= MOST_INSTANCES) return value;
  throw new ExplainedError(
    `${option} must be a whole number from 1 to ${MOST_INSTANCES}, not "${text}". See: npm start -- --help`,
  );
}
