import { busSettings } from '@warren/event-bus';
import { formats, type Settings, setting } from '@warren/kernel';

/** In place of the address of a gateway. */
export const SIMULATOR = 'simulator';

const httpUrl = formats.url('http:', 'https:');

function gatewayUrl(text: string): string {
  const { username, password } = new URL(httpUrl(text));
  // fetch refuses a login in an address, and what stands behind a path would end up in the middle of it.
  if (username || password || /[?#]/.test(text)) throw new Error('must have no login, query or fragment');
  return text;
}

const { retryBaseMs, breakerFailures, breakerResetMs } = busSettings;

/** The payment service's own settings. */
export const paymentSettings = {
  gatewayUrl: setting({
    env: 'PAYMENT_GATEWAY_URL',
    doc: 'Address of the payment gateway, e.g. https://gateway.example/v1; `simulator` is the one that is built in and moves no money.',
    format: (text) => (text === SIMULATOR ? text : gatewayUrl(text)),
    default: SIMULATOR,
    // A wrong one, which is shown, may have a login in it.
    secret: true,
  }),
  gatewayTimeoutMs: setting({
    env: 'PAYMENT_GATEWAY_TIMEOUT_MS',
    doc: 'How long the gateway may take to answer before it is asked again, in milliseconds.',
    format: formats.integer(10, 600_000),
    default: 5000,
  }),
  concurrency: setting({
    env: 'PAYMENT_CONCURRENCY',
    doc: 'How many payments the gateway is asked about at the same moment.',
    format: formats.integer(1, 1000),
    default: 16,
  }),
  /** Of the kit, for the gateway as well. */
  retryBaseMs,
  breakerFailures,
  breakerResetMs,
};

export type PaymentSettings = Settings<typeof paymentSettings>;
