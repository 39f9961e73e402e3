/** A figure in its own coordinates: centred on 0, u to the right and v down, inside the unit circle. */
export interface Pattern {
  readonly name: string;
  /** How far it may be turned and still be what it is called: the tangent of half the angle. */
  readonly turn: number;
  /** Whether (u, v) belongs to the figure. Textures repeat after `period`. */
  contains(u: number, v: number, period: number): boolean;
}

/** The classes of the synthetic images, in the order of their labels: five shapes, then five textures. */
export const patterns: readonly Pattern[] = [
  { name: 'disc', turn: 0.2, contains: (u, v) => inDisc(u, v, 0.85) },
  { name: 'ring', turn: 0.2, contains: (u, v) => inDisc(u, v, 0.95) && !inDisc(u, v, 0.55) },
  { name: 'square', turn: 0.15, contains: (u, v) => inSquare(u, v, 0.7) },
  { name: 'triangle', turn: 0.15, contains: (u, v) => v < 0.6 && 2 * Math.abs(u) < v + 1 },
  { name: 'cross', turn: 0.15, contains: (u, v) => inSquare(u, v, 0.9) && Math.min(Math.abs(u), Math.abs(v)) < 0.28 },
  texture('horizontal', (_, v, period) => isOdd(v, period)),
  texture('vertical', (u, _, period) => isOdd(u, period)),
  texture('diagonal', (u, v, period) => isOdd((u + v) * Math.SQRT1_2, period)),
  texture('checker', (u, v, period) => isOdd(u, period) !== isOdd(v, period)),
  texture('dots', (u, v, period) => inDisc(fromNearest(u, period), fromNearest(v, period), 0.32 * period)),
];

/** Fills the unit circle. */
function texture(name: string, contains: Pattern['contains']): Pattern {
  return { name, turn: 0.1, contains: (u, v, period) => inDisc(u, v, 1) && contains(u, v, period) };
}

function inDisc(u: number, v: number, radius: number): boolean {
  return u * u + v * v < radius * radius;
}

function inSquare(u: number, v: number, half: number): boolean {
  return Math.max(Math.abs(u), Math.abs(v)) < half;
}

/** Whether x lies in the first half of its period. */
function isOdd(x: number, period: number): boolean {
  const phase = x / period;
  return phase - Math.floor(phase) < 0.5;
}

/** The distance of x from the nearest multiple of `period`, with its sign. */
function fromNearest(x: number, period: number): number {
  return x - period * Math.floor(x / period + 0.5);
}
