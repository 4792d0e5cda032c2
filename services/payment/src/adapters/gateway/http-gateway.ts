import { createValidator } from '@warren/contracts';
import { type Static, Type } from 'typebox';
import type { ChargeRequest, PaymentGateway } from '../../application/payment-gateway.ts';
import { paymentErrors } from '../../domain/payment-errors.ts';

/** Without what neither a database nor a mail takes; so is the reason of a refusal. */
const Accepted = Type.Object({ id: Type.String({ pattern: '^[^\\p{Cc}\\p{Cs}]{1,255}$' }) });
type Accepted = Static<typeof Accepted>;
const accepted = createValidator(Accepted);
const declined = createValidator(Type.Object({ reason: Type.String({ pattern: '^[^\\p{Cc}\\p{Cs}]{1,500}$' }) }));

const DECLINED = 402;
/** Refusals that say "not now": the request itself may be right. */
const NOT_NOW: readonly number[] = [408, 409, 425, 429];

/**
 * A gateway over HTTP. `POST <url>/charges {orderId, amount, currency}` and `POST <url>/refunds {…, paymentId}`, both with an
 * `Idempotency-Key`. 200 or 201 `{id}` is yes, 402 `{reason}` is no to a charge; whatever else, or nothing, says nothing about the money.
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
      throw paymentErrors.GATEWAY_UNAVAILABLE('the gateway gave no answer', { cause });
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
  // Read in any case: a body that is left alone keeps its connection.
  const body = await readJson(response);
  if (status === 200 || status === 201) {
    if (accepted.is(body)) return body;
    throw paymentErrors.GATEWAY_REFUSED(`the gateway answers ${status} without an id that can be stored`);
  }
  const is = status >= 400 && status < 500 && !NOT_NOW.includes(status) ? 'GATEWAY_REFUSED' : 'GATEWAY_UNAVAILABLE';
  throw paymentErrors[is](`the gateway answers ${status}`);
}

/** The body, or nothing when it is no JSON. @throws `GATEWAY_UNAVAILABLE` when it breaks off */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text().catch((cause) => {
    throw paymentErrors.GATEWAY_UNAVAILABLE('the answer of the gateway broke off', { cause });
  });
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
