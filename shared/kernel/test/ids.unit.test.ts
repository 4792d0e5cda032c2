import { describe, expect, it } from '@jest/globals';
import { version } from 'uuid';
import { createId, deriveId, isId } from '../src/index.ts';

describe('createId', () => {
  it('when many ids are created, then each is a UUID v7 of now, and greater than the one before', () => {
    const before = Date.now();
    const ids = Array.from({ length: 2000 }, createId);
    const times = ids.map((id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16));

    expect(ids.every((id) => isId(id) && version(id) === 7)).toBe(true);
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    expect(times.every((time) => time >= before && time <= Date.now())).toBe(true);
  });

  it('when many ids are created, then no two have the same random part', () => {
    const random = Array.from({ length: 2000 }, () => createId().slice(-12));
    expect(new Set(random).size).toBe(random.length);
  });
});

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
