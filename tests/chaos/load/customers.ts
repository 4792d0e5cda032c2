import { randomUUID } from 'node:crypto';
import type { Random } from '../random.ts';
import type { ClientRecord } from './client-record.ts';
import { isAnswer, type NewUser, type Reply, registerUser } from './service-client.ts';

export interface CustomersOptions {
  /** Sends a request to one of the user services. */
  ask(request: (target: string) => Promise<Reply>): Promise<Reply>;
  /** Counts an answer. */
  count(answer: string): void;
  random: Random;
  record: ClientRecord;
}

/** Those who place orders. */
export interface Customers {
  /** Somebody becomes a user; now and then two want the same e-mail address at the same moment. */
  register(): Promise<void>;
  /** Id of a customer, most often of a user. */
  pick(): string;
}

const STRANGER = 'chaos';
const STRANGERS_SHARE = 0.2;
const MAX_TRIES = 3;

export function createCustomers({ ask, count, random, record }: CustomersOptions): Customers {
  const ids: string[] = [];

  /** With a key a request without an answer is repeated. */
  async function become(user: NewUser): Promise<void> {
    for (let tries = 0; tries < (user.key ? MAX_TRIES : 1); tries += 1) {
      const { outcome, id } = await ask((target) => registerUser(target, user));
      count(`register ${outcome}`);
      if (id !== undefined && !record.users.has(id)) ids.push(id);
      if (id !== undefined) record.users.set(id, user.email);
      if (outcome !== '503' && isAnswer(outcome)) return;
    }
  }

  return {
    async register() {
      const email = `${randomUUID()}@example.org`;
      // The same address, though spelt otherwise.
      const emails = random.chance(0.25) ? [email, email.toUpperCase()] : [email];
      const users = emails.map((one) => ({
        email: one,
        name: 'Robin',
        key: random.chance(0.5) ? randomUUID() : undefined,
      }));
      await Promise.all(users.map(become));
    },
    pick: () => (ids.length === 0 || random.chance(STRANGERS_SHARE) ? STRANGER : random.pick(ids)),
  };
}
