import { findUnstorableText, mayHoldUnstorableText } from '@warren/kernel';
import { httpErrors } from './http-errors.ts';

/** Deeper than any real document, yet shallow enough for recursive code. */
const MAX_DEPTH = 32;

/** Keys that reach an object's prototype in careless code. */
const PROTOTYPE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** The tokens of valid JSON: strings, numbers, and structural characters. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\]:,]/g;

/**
 * Parses a JSON text (RFC 8259) and rejects everything that two parsers could read differently (I-JSON, RFC 7493): duplicate keys, numbers
 * that a double cannot hold (`1e400`, twenty digits), keys that reach the prototype, nesting deeper than 32, and half surrogate pairs. Also
 * rejects U+0000, which Postgres cannot store.
 * @throws `BODY_MALFORMED` with the location of the fault.
 */
export function parseStrictJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw httpErrors.BODY_MALFORMED(`the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
  refuseAmbiguity(text);
  if (mayHoldUnstorableText(text)) refuseUnstorableText(value);
  return value;
}

function refuseUnstorableText(value: unknown): void {
  const path = findUnstorableText(value);
  if (path === undefined) return;
  const message = 'must not contain U+0000 or half of a surrogate pair';
  throw httpErrors.BODY_MALFORMED(`the text at ${shown(path)} ${message}`, {
    details: { faults: [{ path, message }] },
  });
}

function refuseAmbiguity(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  let last = '';
  for (const token of text.match(TOKENS) ?? []) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') checkKey(textOf(last), open.at(-1));
    else if (token !== ',' && !token.startsWith('"')) checkNumber(token);
    if (open.length > MAX_DEPTH) throw httpErrors.BODY_MALFORMED(`the body is nested deeper than ${MAX_DEPTH} levels`);
    last = token;
  }
}

/** Few keys have an escape. */
const textOf = (string: string): string => (string.includes('\\') ? JSON.parse(string) : string.slice(1, -1));

function checkKey(key: string, seen: Set<string> | undefined): void {
  if (PROTOTYPE_KEYS.has(key)) throw httpErrors.BODY_MALFORMED(`the key "${key}" is not allowed in a body`);
  if (seen?.has(key)) throw httpErrors.BODY_MALFORMED(`the key ${shown(key)} appears twice in one object of the body`);
  seen?.add(key);
}

function checkNumber(literal: string): void {
  const value = Number(literal);
  if (!Number.isFinite(value)) throw httpErrors.BODY_MALFORMED(`the number ${shown(literal)} in the body is too large`);
  if (literal.length > 15 && digitsOf(literal) !== digitsOf(String(value))) {
    throw httpErrors.BODY_MALFORMED(`the number ${shown(literal)} in the body has more digits than can be kept`);
  }
}

/** The significant digits of a number, without sign, point, exponent, and leading or trailing zeros. */
function digitsOf(literal: string): string {
  return literal
    .replace(/e.*$/i, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');
}

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
