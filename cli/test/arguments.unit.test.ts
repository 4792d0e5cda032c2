import { describe, expect, it } from '@jest/globals';
import { createId, isId } from '@warren/kernel';
import { parseId } from '../src/arguments.ts';

/** Whether it is taken. */
function takes(text: string): boolean {
  try {
    return parseId(text) !== undefined;
  } catch {
    return false;
  }
}

describe('what the arguments accept', () => {
  it.each([
    createId(),
    createId().toUpperCase(),
    crypto.randomUUID(),
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '00000000-0000-0000-0000-000000000001',
    '0192a3b4-c5d6-9e7f-8a9b-0c1d2e3f4a5b',
    '0192a3b4-c5d6-7e7f-ca9b-0c1d2e3f4a5b',
    '{0192a3b4-c5d6-7e7f-8a9b-0c1d2e3f4a5b}',
    '0192a3b4c5d67e7f8a9b0c1d2e3f4a5b',
    '',
  ])('when %s is an id, then so it is for the kernel', (text) => {
    expect(takes(text)).toBe(isId(text));
  });
});
