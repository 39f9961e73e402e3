import type { FunctionHandle, ModuleBuilder, Signature } from '../encoder/module-builder.ts';
import { f64x2 } from '../encoder/simd.ts';
import { eachHalf } from './doubles.ts';
import type { KernelDType } from './formats.ts';
import { eachGroup, elementsAt, spreadAll } from './in-place.ts';

/** target += weight · (source − target) */
export function defineLerp(
  module: ModuleBuilder,
  dtypes: { readonly target: KernelDType; readonly source: KernelDType },
): FunctionHandle<Signature> {
  const signature = { target: 'i32', source: 'i32', weight: 'f64', count: 'i32' } as const;
  return module.define('lerp', signature, (f, args) => {
    const target = elementsAt(f, args.target, dtypes.target);
    const source = elementsAt(f, args.source, dtypes.source);
    const { spread, both } = spreadAll(f, { weight: args.weight });
    return [
      spread,
      eachGroup(args.count, [target, source], [target], (lanes) =>
        eachHalf(({ widen, narrow }) => {
          const [x, goal] = [widen(lanes(target)), widen(lanes(source))];
          return narrow(lanes(target), f64x2.add(x, f64x2.mul(both.weight, f64x2.sub(goal, x))));
        }),
      ),
    ];
  });
}
