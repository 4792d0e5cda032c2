import { describe, expect, test } from '@jest/globals';
import { createId } from '@warren/kernel';
import { countStatuses, newUser, useUsers } from './user-fixture.ts';

const fixture = useUsers({ instances: 2 });
const { first, second } = fixture;
const either = (at: number) => (at % 2 ? first() : second());

async function registered(user = newUser()): Promise<{ id: string; email: string }> {
  const { status, body } = await first().register(user);
  expect(status).toBe(201);
  return body;
}

/** Active users of the read model, and claims, for an address. */
async function holdersOf(email: string): Promise<[users: number, claims: number]> {
  const sql = `
    SELECT (SELECT count(*)::int FROM users WHERE lower(email) = $1 AND status = 'active') AS users,
           (SELECT count(*)::int FROM user_emails WHERE email_key = $1) AS claims`;
  const { rows } = await fixture.tables.query<{ users: number; claims: number }>(sql, [email.toLowerCase()]);
  return [rows[0]?.users ?? -1, rows[0]?.claims ?? -1];
}

/** The codes of the answers that are errors. */
const codesOf = (answers: readonly { body: { code?: string } }[]) =>
  new Set(answers.flatMap(({ body: { code } }) => (code === undefined ? [] : [code])));

describe('an e-mail address', () => {
  test('when fifty want it at the same moment at two instances, in large and small letters, then one gets it', async () => {
    const { email, name } = newUser();
    const spelt = (at: number) => (at % 3 ? email : email.toUpperCase());
    const calls = Array.from({ length: 50 }, (_, at) =>
      either(at).register({ email: spelt(at), name: `${name} ${at}` }),
    );
    const answers = await Promise.all(calls);
    expect([countStatuses(answers), [...codesOf(answers)]]).toEqual([{ 201: 1, 409: 49 }, ['EMAIL_TAKEN']]);
    expect(await holdersOf(email)).toEqual([1, 1]);
  });

  test('when many users change to it at the same moment, then one gets it, and the others keep theirs', async () => {
    const users = await Promise.all(Array.from({ length: 20 }, () => registered()));
    const { email } = newUser();
    const answers = await Promise.all(users.map(({ id }, at) => either(at).changeEmail(id, email)));
    expect(countStatuses(answers)).toEqual({ 200: 1, 409: 19 });
    expect(codesOf(answers)).toEqual(new Set(['EMAIL_TAKEN']));
    expect(await holdersOf(email)).toEqual([1, 1]);
    for (const [at, user] of users.entries()) {
      const { body } = await first().api.get(`/users/${user.id}`);
      expect(body.email).toBe(answers[at]?.status === 200 ? email : user.email);
      expect(body.version).toBe(answers[at]?.status === 200 ? 2 : 1);
    }
  });

  test('when two users want each other’s, then neither gets it and none hangs', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [one, other] = [await registered(), await registered()];
      const swap = [first().changeEmail(one.id, other.email), second().changeEmail(other.id, one.email)];
      const answers = await Promise.all(swap);
      expect([countStatuses(answers), codesOf(answers)]).toEqual([{ 409: 2 }, new Set(['EMAIL_TAKEN'])]);
    }
  });

  test('when its user has another one, then it is free, and the new one is not', async () => {
    const { id, email } = await registered();
    const next = newUser();
    await first().changeEmail(id, next.email);
    expect((await second().register(next)).body.code).toBe('EMAIL_TAKEN');
    expect((await second().register({ email, name: 'Another' })).status).toBe(201);
    const back = await first().changeEmail(id, email);
    expect([back.status, back.body.code]).toEqual([409, 'EMAIL_TAKEN']);
  });

  test('when only its capitals change, then it stays the user’s own', async () => {
    const { id, email } = await registered();
    const { status, body } = await first().changeEmail(id, email.toUpperCase());
    expect([status, body.email]).toEqual([200, email.toUpperCase()]);
    expect((await first().register({ email, name: 'Another' })).status).toBe(409);
    expect(await holdersOf(email)).toEqual([1, 1]);
  });

  test('when its user is deactivated, then it is free for another', async () => {
    const { id, email } = await registered();
    await first().deactivate(id);
    expect(await holdersOf(email)).toEqual([0, 0]);
    expect((await second().register({ email, name: 'Another' })).status).toBe(201);
    // Once more must not take it from its new user.
    await first().deactivate(id);
    expect(await holdersOf(email)).toEqual([1, 1]);
  });

  test('when it is taken and freed all the time by two instances, then it never has two users', async () => {
    const { email } = newUser();
    const takeAndFree = async (at: number) => {
      for (let round = 0; round < 8; round += 1) {
        const { status, body } = await either(at + round).register({ email, name: `n${at}` });
        if (status !== 201) continue;
        const [users] = await holdersOf(email);
        await either(at).deactivate(body.id);
        return users;
      }
      return 0;
    };
    const seen = await Promise.all(Array.from({ length: 8 }, (_, at) => takeAndFree(at)));
    expect(Math.max(...seen)).toBe(1);
    expect(await holdersOf(email)).toEqual([0, 0]);
  });
});

describe('one user, asked by many', () => {
  test('when its address changes thirty times at the same moment, then each change is an event and the last one stands', async () => {
    const { id } = await registered();
    const wanted = Array.from({ length: 30 }, () => newUser().email);
    const answers = await Promise.all(wanted.map((email, at) => either(at).changeEmail(id, email)));
    const done = countStatuses(answers)[200] ?? 0;
    expect(done).toBeGreaterThan(0);
    expect([...codesOf(answers)].filter((code) => code !== 'USER_CONTESTED')).toEqual([]);
    const { body: user } = await first().api.get(`/users/${id}`);
    expect(user.version).toBe(1 + done);
    expect(await holdersOf(user.email)).toEqual([1, 1]);
    const { rows } = await fixture.tables.query('SELECT FROM user_emails WHERE user_id = $1', [id]);
    expect(rows).toHaveLength(1);
  });
});

describe('Idempotency-Key', () => {
  test('when fifty equal requests come at the same moment to two instances, then there is one user and fifty equal answers', async () => {
    const user = newUser();
    const headers = { 'Idempotency-Key': createId() };
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => either(at).register(user, headers)));
    expect(countStatuses(answers)).toEqual({ 201: 50 });
    expect(new Set(answers.map(({ text, headers: { location } }) => `${location} ${text}`)).size).toBe(1);
  });

  test('when a request is sent again after the user has changed, its key in quotes this time, then the answer is that of the registration', async () => {
    const user = newUser();
    const key = createId();
    const { body } = await first().register(user, { 'Idempotency-Key': key });
    await first().changeEmail(body.id, newUser().email);
    const again = await second().register(user, { 'Idempotency-Key': `"${key}"` });
    expect([again.status, again.body]).toEqual([201, body]);
  });

  test('when the key comes with another user, then the answer is 422; a registration that failed leaves it free', async () => {
    const headers = { 'Idempotency-Key': createId() };
    const { email } = await registered();
    expect((await first().register({ email, name: 'n' }, headers)).status).toBe(409);
    expect((await first().register(newUser(), headers)).status).toBe(201);
    const { status, body } = await second().register(newUser(), headers);
    expect([status, body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });
});
