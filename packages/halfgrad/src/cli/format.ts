/** A share as a percentage: `84.20 %`. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** With its sign, also a plus; what rounds to nothing has none. */
export function formatSigned(x: number, digits: number): string {
  const text = x.toFixed(digits);
  if (Number(text) === 0) return (0).toFixed(digits);
  return x > 0 ? `+${text}` : text;
}

/** By how many percent `value` differs from `base`: `+24 %`. */
export function formatChange(value: number, base: number): string {
  return base === 0 ? '' : `${formatSigned(100 * (value / base - 1), 0)} %`;
}

export function formatCount(n: number): string {
  return n.toLocaleString('en-US');
}

const byteUnits = ['bytes', 'KiB', 'MiB', 'GiB'] as const;

/** In the largest binary unit that gives at least 1, with three digits: `1.21 MiB`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${byteUnits[unit]}`;
}

export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}

/** Powers of two from 2^10 on, and below 1, as such: loss scales and factors are. */
export function formatScale(scale: number): string {
  const exponent = Math.round(Math.log2(scale));
  const isPower = scale > 0 && 2 ** exponent === scale;
  return isPower && (exponent >= 10 || exponent < 0) ? `2^${exponent}` : String(scale);
}

export function formatProbability(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toPrecision(2)}`;
}
