import { describe, expect, it } from '@jest/globals';
import { storeErrors } from '@warren/event-store';
import { silentLogger } from '@warren/kernel';
import type { ClaimedMail } from '../src/application/mail-queue.ts';
import type { SendOutcome } from '../src/application/mailer.ts';
import { sendMails } from '../src/application/send-mails.ts';
import type { Sending } from '../src/application/sending.ts';

const SILENT: SendOutcome = { status: 'unanswered', answer: 'Timeout' };
const LATER: SendOutcome = { status: 'deferred', answer: '450 later' };
const AWAY: SendOutcome = { status: 'unavailable', answer: 'connection refused' };

/** Sends a mail for each of the mail server's outcomes, all at the same moment. */
async function send(...outcomes: SendOutcome[]) {
  const putOff: string[] = [];
  const givenBack: string[] = [];
  const idsOf = (mails: readonly { mailId: string }[]) => mails.map(({ mailId }) => mailId);
  const claimed = outcomes.map((_, place) => ({
    mailId: String(place),
    tries: 0,
    recipient: { userId: 'u', name: 'John', email: 'john@example.com', deactivated: false },
    ...{ kind: 'welcome', subjectId: 'u', cause: {}, claim: 1 },
  })) as unknown as ClaimedMail[];
  const sending = {
    queue: {
      claimDue: async () => claimed,
      putOff: async (mails: ClaimedMail[]) => void putOff.push(...idsOf(mails)),
      giveBack: async (mails: ClaimedMail[]) => void givenBack.push(...idsOf(mails)),
    },
    letters: { write: () => ({ subject: '', text: '', html: '' }) },
    mailer: { send: async ({ mailId }: { mailId: string }) => outcomes[Number(mailId)] },
    pace: { patienceMs: 1000, giveUpMs: 1000, retryBaseMs: 100 },
    concurrency: outcomes.length,
    logger: silentLogger,
  };
  const { signal: stopping } = new AbortController();
  const { server } = await sendMails(sending as unknown as Sending, { limit: 100, stopping });
  return { server, putOff: putOff.sort(), givenBack };
}

/** Finds a mail that is not wanted any more, whose end cannot be recorded for this reason, and one that is to be sent. */
async function dropAndSend(reason: Error) {
  const sent: string[] = [];
  const mail = (mailId: string, deactivated: boolean) => ({
    ...{ mailId, tries: 0, recipient: { userId: 'u', name: 'John', email: 'john@example.com', deactivated } },
    ...{ kind: 'welcome', subjectId: 'u', cause: {}, claim: 1 },
  });
  const sending = {
    store: { decide: () => Promise.reject(reason) },
    queue: {
      claimDue: async () => [mail('unwanted', true), mail('wanted', false)],
      putOff: async () => undefined,
      giveBack: async () => undefined,
    },
    letters: { write: () => ({ subject: '', text: '', html: '' }) },
    mailer: {
      async send({ mailId }: { mailId: string }) {
        sent.push(mailId);
        return LATER;
      },
    },
    pace: { patienceMs: 1000, giveUpMs: 1000, retryBaseMs: 100 },
    concurrency: 1,
    logger: silentLogger,
  };
  await sendMails(sending as unknown as Sending, { limit: 100, stopping: new AbortController().signal });
  return sent;
}

describe('a mail that is not wanted and cannot be dropped', () => {
  it('when that is about this mail, then the others are sent', async () => {
    expect(await dropAndSend(new Error('an event that this program does not know'))).toEqual(['wanted']);
  });

  it('when the database is away, then none is sent', async () => {
    await expect(dropAndSend(storeErrors.DATABASE_UNAVAILABLE('away'))).rejects.toThrow('away');
  });
});

describe('what a go at the mails says of the mail server', () => {
  it('when it says nothing to any mail, then it is away, and no mail goes out again at once', async () => {
    expect(await send(SILENT, SILENT)).toEqual({
      server: { status: 'away', failure: 'Timeout' },
      putOff: ['0', '1'],
      givenBack: [],
    });
  });

  it('when it says nothing to one and cannot be reached for others, then only the one is put off', async () => {
    expect(await send(SILENT, AWAY)).toEqual({
      server: { status: 'away', failure: 'connection refused' },
      putOff: ['0'],
      givenBack: ['1'],
    });
  });

  it('when it says something to one, then it is there, and each of the others is put off', async () => {
    expect(await send(SILENT, LATER, AWAY)).toEqual({
      server: { status: 'up' },
      putOff: ['0', '1', '2'],
      givenBack: [],
    });
  });
});
