import { showSpec, type TensorSpec } from './spec.ts';

/** Every kind of failure the library reports; each has an entry in the error index of the docs. */
export type ErrorCode =
  | 'invalid-argument'
  | 'shape-mismatch'
  | 'dtype-mismatch'
  | 'device-mismatch'
  | 'not-differentiable'
  | 'wrong-gradient'
  | 'graph-released'
  | 'modified-in-place'
  | 'disposed'
  | 'no-device'
  | 'unsupported'
  | 'out-of-memory'
  | 'device-lost'
  | 'missing-kernel'
  | 'not-readable'
  | 'unsafe-op'
  | 'async-callback'
  | 'scaler-state'
  | 'scaled-gradients'
  | 'mixed-loss-scales'
  | 'scale-collapsed'
  | 'invalid-file';

/** The one error class: `op: problem (name: dtype[shape], …)`, then the fix when it is known. */
export class TensorError extends Error {
  override readonly name = 'TensorError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** `op: problem (a: float32[2,3], b: float32[4,5])`, then the fix. */
export function argumentError(
  code: ErrorCode,
  op: string,
  problem: string,
  args: Readonly<Record<string, TensorSpec | undefined>>,
  fix?: string,
): TensorError {
  const shown = Object.entries(args).flatMap(([name, spec]) => (spec ? [`${name}: ${showSpec(spec)}`] : []));
  return new TensorError(code, `${op}: ${problem} (${shown.join(', ')})${fix ? `. ${fix}` : ''}`);
}
