import {
  type Local,
  type Operand,
  operandBytes,
  type Statement,
  statementOf,
  type Value,
  type ValueType,
} from './code.ts';
import { i32 } from './scalar.ts';

/** Structured control flow. Statements nest in lists, so that generators can spread what they repeat. */
export type Body = readonly (Statement | Body)[];

function bytesOf(body: Body): Statement['statement'] {
  return body.map((part) => ('statement' in part ? part.statement : bytesOf(part)));
}

export function sequence(body: Body): Statement {
  return statementOf(bytesOf(body));
}

/** Runs `body` while `condition` is not zero, testing first. */
function whileLoop(condition: Value<'i32'>, body: Body): Statement {
  // block: loop: leave the block unless the condition holds; body; again
  return statementOf(0x02, 0x40, 0x03, 0x40, i32.eqz(condition).bytes, 0x0d, 1, bytesOf(body), 0x0c, 0, 0x0b, 0x0b);
}

/** Runs `body`, and again as long as `condition` is not zero. */
export function doWhile(body: Body, condition: Value<'i32'>): Statement {
  return statementOf(0x03, 0x40, bytesOf(body), condition.bytes, 0x0d, 0, 0x0b);
}

/** `for (; i < end; i += step)`, unsigned. `i` starts where it is. */
export function upTo(i: Local<'i32'>, end: Operand<'i32'>, step: Operand<'i32'>, body: Body): Statement {
  return whileLoop(i32.ltU(i, end), [body, advance(i, step)]);
}

/** Runs `body` `count` times, which must not be 0; `count` is 0 afterwards. */
export function countDown(count: Local<'i32'>, body: Body): Statement {
  return doWhile([body, count.set(i32.sub(count, 1))], count);
}

export function ifElse(condition: Value<'i32'>, then: Body, otherwise: Body = []): Statement {
  const alternative = otherwise.length > 0 ? [0x05, bytesOf(otherwise)] : [];
  return statementOf(condition.bytes, 0x04, 0x40, bytesOf(then), alternative, 0x0b);
}

/** `local += amount` */
export function advance(local: Local<'i32'>, amount: Operand<'i32'>): Statement {
  return local.set(i32.add(local, amount));
}

/** Ends the function with its result. */
export function giveBack<T extends ValueType>(value: Value<T>): Statement {
  return statementOf(operandBytes(value.type, value as Operand<T>), 0x0f);
}
