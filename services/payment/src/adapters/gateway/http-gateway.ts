import { createValidator } from '@warren/contracts';
import { type Static, Type } from 'typebox';
import type { ChargeRequest, PaymentGateway } from '../../application/payment-gateway.ts';
import { paymentErrors } from '../../domain/payment-errors.ts';

/** No control characters or lone surrogates, which neither the database nor a mail can hold; the same for the reason of a decline. */
const Accepted = Type.Object({ id: Type.String({ pattern: '^[^\\p{Cc}\\p{Cs}]{1,255}$' }) });
type Accepted = Static<typeof Accepted>;
const accepted = createValidator(Accepted);
const declined = createValidator(Type.Object({ reason: Type.String({ pattern: '^[^\\p{Cc}\\p{Cs}]{1,500}$' }) }));

const DECLINED = 402;
/** 4xx statuses that are temporary: the request itself may be valid. */
const TEMPORARY: readonly number[] = [408, 409, 425, 429];

/**
 * A gateway over HTTP. `POST <url>/charges {orderId, amount, currency}` and `POST <url>/refunds {…, paymentId}`, both with an
 * `Idempotency-Key`. 200 or 201 `{id}` accepts, 402 `{reason}` declines a charge; any other answer, or none, leaves open whether money moved.
 */
export function createHttpGateway(url: string): PaymentGateway {
  const base = url.replace(/\/+$/, '');

  async function post(path: string, request: ChargeRequest, signal: AbortSignal): Promise<Response> {
    const { idempotencyKey, ...body } = request;
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey };
    try {
      return await fetch(`${base}/${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        signal,
        redirect: 'error',
      });
    } catch (cause) {
      throw paymentErrors.GATEWAY_UNAVAILABLE('the gateway did not answer', { cause });
    }
  }

  return {
    async charge(request, signal) {
      const response = await post('charges', request, signal);
      if (response.status !== DECLINED) {
        const { id } = await acceptedBody(response);
        return [{ status: 'accepted', paymentId: id }];
      }
      const body = await readJson(response);
      return [{ status: 'declined', reason: declined.is(body) ? body.reason : 'the payment was declined' }];
    },
    async refund(request, signal) {
      await acceptedBody(await post('refunds', request, signal));
    },
  };
}

async function acceptedBody(response: Response): Promise<Accepted> {
  const { status } = response;
  // Always read: an unread body keeps its connection open.
  const body = await readJson(response);
  if (status === 200 || status === 201) {
    if (accepted.is(body)) return body;
    throw paymentErrors.GATEWAY_REFUSED(`the gateway answered ${status} without an id that can be stored`);
  }
  const code = status >= 400 && status < 500 && !TEMPORARY.includes(status) ? 'GATEWAY_REFUSED' : 'GATEWAY_UNAVAILABLE';
  throw paymentErrors[code](`the gateway answered ${status}`);
}

/** The parsed body; undefined when it is not JSON. @throws `GATEWAY_UNAVAILABLE` when the connection breaks off */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause) => {
    throw paymentErrors.GATEWAY_UNAVAILABLE("the gateway's answer broke off", { cause });
  });
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
