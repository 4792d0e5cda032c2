import { describe, expect, it } from '@jest/globals';
import { version } from 'uuid';
import { createId, deriveId, isId } from '../src/index.ts';

describe('deriveId', () => {
  it('when it is asked twice, then it gives the same UUID v7, of the time of the first id', () => {
    const id = createId();
    const derived = deriveId(id, 'OrderCancelled');
    expect(derived).toBe(deriveId(id.toUpperCase(), 'OrderCancelled'));
    expect([isId(derived), version(derived), derived.slice(0, 13)]).toEqual([true, 7, id.slice(0, 13)]);
  });

  it('when the id or the name is another, then so is the result', () => {
    const ids = [createId(), createId()];
    const derived = ids.flatMap((id) => [deriveId(id, 'a'), deriveId(id, 'b')]);
    expect(new Set([...ids, ...derived]).size).toBe(6);
  });
});
