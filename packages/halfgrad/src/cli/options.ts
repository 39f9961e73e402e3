import { InvalidArgumentError } from 'commander';
import { type ModeName, modeNames } from '../experiments/modes.ts';

/** Parsers of option values; each throws what commander turns into a usage message. */

/** A number, also as a power: `2^-16`. */
export function parseNumber(text: string): number {
  const power = /^(-?[\d.]+)\^(-?[\d.]+)$/.exec(text);
  const value = power ? Number(power[1]) ** Number(power[2]) : Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new InvalidArgumentError('Give a number, such as 0.5 or 2^-16.');
  return value;
}

export function parsePositive(text: string): number {
  const value = parseNumber(text);
  if (value <= 0) throw new InvalidArgumentError('Give a number above 0.');
  return value;
}

export function parseCount(text: string): number {
  const value = parseNumber(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number, 1 or more.');
  return value;
}

export function parseModes(text: string): ModeName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(modeNames as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no mode "${unknown}". Use some of ${modeNames.join(', ')}.`);
  }
  return [...new Set(names)] as ModeName[];
}
