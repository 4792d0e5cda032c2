import { describe, expect, it } from '@jest/globals';
import { version } from 'uuid';
import { createId, deriveId, isId } from '../src/index.ts';

describe('deriveId', () => {
  it('when it is called twice, then it returns the same UUID v7, with the time of the first id', () => {
    const id = createId();
    const derived = deriveId(id, 'OrderCancelled');
    expect(derived).toBe(deriveId(id.toUpperCase(), 'OrderCancelled'));
    expect([isId(derived), version(derived), derived.slice(0, 13)]).toEqual([true, 7, id.slice(0, 13)]);
  });

  it('when the id or the name differs, then so does the result', () => {
    const ids = [createId(), createId()];
    const derived = ids.flatMap((id) => [deriveId(id, 'a'), deriveId(id, 'b')]);
    expect(new Set([...ids, ...derived]).size).toBe(6);
  });
});
