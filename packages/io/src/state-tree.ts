import { Tensor, TensorError } from '@halfgrad/core';
import { isRecord, show } from './untrusted.ts';

/** A tree of state as JSON, in which names stand for the tensors. */
export interface FlatState {
  readonly json: unknown;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Nothing that has state is nested deeper, and the deepest tree still fits the call stack many times over. */
export const maxTreeDepth = 100;

/** Objects with this one key are tensors. */
const tensorKey = '$tensor';
/** Objects with this one key are numbers that JSON does not have. */
const numberKey = '$number';

const oddNumbers: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

/**
 * Takes the tensors out of plain data: null, booleans, strings, numbers, arrays, and objects without a class.
 *
 * @throws TensorError `invalid-argument` that says where something else is.
 */
export function flattenState(state: Readonly<Record<string, unknown>>): FlatState {
  const tensors = new Map<string, Tensor>();
  const visit = (value: unknown, at: string, depth: number): unknown => {
    if (depth > maxTreeDepth) throw notPlain(at, `is nested more than ${maxTreeDepth} deep`);
    if (value instanceof Tensor) {
      const name = unusedName(at, tensors);
      tensors.set(name, value);
      return { [tensorKey]: name };
    }
    if (typeof value === 'number') return flattenNumber(value);
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (Array.isArray(value)) return value.map((item, i) => visit(item, join(at, String(i)), depth + 1));
    if (!isPlainObject(value)) throw notPlain(at, `is ${describe(value)}`);
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    const reserved = fields.find(([key]) => key === tensorKey || key === numberKey);
    if (reserved) throw notPlain(at, `has a key ${reserved[0]}, which is used for something else`);
    return Object.fromEntries(fields.map(([key, field]) => [key, visit(field, join(at, key), depth + 1)]));
  };
  return { json: visit(state, '', 0), tensors: Object.fromEntries(tensors) };
}

/**
 * Puts the tensors back. The nesting of `json` must have been checked.
 *
 * @throws TensorError `invalid-file` for a tensor that is not there.
 */
export function restoreTree(json: unknown, tensors: Readonly<Record<string, Tensor>>): unknown {
  if (Array.isArray(json)) return json.map((item) => restoreTree(item, tensors));
  if (!isRecord(json)) return json;
  const { [tensorKey]: name, [numberKey]: number } = json;
  if (typeof name === 'string') {
    const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
    if (tensor) return tensor;
    throw new TensorError('invalid-file', `checkpoint: the file has no tensor ${show(name)}`);
  }
  const odd = typeof number === 'string' ? oddNumbers.get(number) : undefined;
  if (odd !== undefined) return odd;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, restoreTree(value, tensors)]));
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** Two places of a tree can read the same: `{ 'a.b': x, a: { b: y } }`. */
function unusedName(name: string, tensors: ReadonlyMap<string, Tensor>): string {
  let unused = name;
  for (let i = 2; tensors.has(unused); i++) unused = `${name}#${i}`;
  return unused;
}

function flattenNumber(value: number): unknown {
  const isJson = Number.isFinite(value) && !Object.is(value, -0);
  return isJson ? value : { [numberKey]: Object.is(value, -0) ? '-0' : String(value) };
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? `a ${value.constructor.name}` : `of type ${typeof value}`;
}

function notPlain(at: string, problem: string): TensorError {
  return new TensorError(
    'invalid-argument',
    `checkpoint: "${at}" ${problem}. Save numbers, strings, booleans, null, tensors, and arrays and plain objects of those.`,
  );
}
