import { busSettings } from '@warren/event-bus';
import { formats, type Settings, setting } from '@warren/kernel';

/** Value of PAYMENT_GATEWAY_URL that selects the built-in gateway. */
export const SIMULATOR = 'simulator';

const httpUrl = formats.url('http:', 'https:');

function gatewayUrl(text: string): string {
  const { username, password } = new URL(httpUrl(text));
  // fetch rejects a URL with a login, and a query or fragment would end up in the middle of the request path.
  if (username || password || /[?#]/.test(text)) throw new Error('must have no login, query or fragment');
  return text;
}

const { retryBaseMs, breakerFailures, breakerResetMs } = busSettings;

/** The payment service's own settings. */
export const paymentSettings = {
  gatewayUrl: setting({
    env: 'PAYMENT_GATEWAY_URL',
    doc: 'Address of the payment gateway, e.g. https://gateway.example/v1; `simulator` is the built-in one, which moves no money.',
    format: (text) => (text === SIMULATOR ? text : gatewayUrl(text)),
    default: SIMULATOR,
    // An invalid value is printed, and it may contain a login.
    secret: true,
  }),
  gatewayTimeoutMs: setting({
    env: 'PAYMENT_GATEWAY_TIMEOUT_MS',
    doc: 'How long the gateway may take to answer before the call is retried, in milliseconds.',
    format: formats.integer(10, 600_000),
    default: 5000,
  }),
  concurrency: setting({
    env: 'PAYMENT_CONCURRENCY',
    doc: 'How many payments the gateway is asked about at the same time.',
    format: formats.integer(1, 1000),
    default: 16,
  }),
  /** Settings of the kit that apply to the gateway too. */
  retryBaseMs,
  breakerFailures,
  breakerResetMs,
};

export type PaymentSettings = Settings<typeof paymentSettings>;
