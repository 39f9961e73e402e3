import type { Local, Value } from '../encoder/code.ts';
import { advance, doWhile, giveBack } from '../encoder/control.ts';
import type { FunctionBuilder } from '../encoder/function-builder.ts';
import type { FunctionHandle, ModuleBuilder, Signature } from '../encoder/module-builder.ts';
import { i32 } from '../encoder/scalar.ts';
import { f32x4, i32x4, v128 } from '../encoder/simd.ts';
import { formats, type KernelDType } from './formats.ts';
import { elementsAt } from './in-place.ts';

/** `unscale(grad, count, inverse)`: multiplies, and tells whether an element was not finite before or after. */
export function defineUnscale(module: ModuleBuilder, dtype: KernelDType): FunctionHandle<Signature, 'i32'> {
  const signature = { grad: 'i32', count: 'i32', inverse: 'f32' } as const;
  return module.defineValue('unscale', signature, 'i32', (f, { grad, count, inverse }) => {
    const { bytes } = formats[dtype];
    const elements = elementsAt(f, grad, dtype);
    const [factor, found, end] = [f.local('v128'), f.local('v128'), f.local('i32')];
    const look = elements.vectors.map((lanes) => found.set(v128.or(found, isNotFinite(f, lanes))));
    return [
      factor.set(f32x4.splat(inverse)),
      // What the last group reads beyond the end must not be taken for infinite.
      end.set(i32.add(grad, i32.mul(count, bytes))),
      [0, 16].map((offset) => v128.store(end, f.i32x4(0), offset)),
      doWhile(
        [
          elements.load,
          look,
          elements.vectors.map((lanes) => lanes.set(f32x4.mul(lanes, factor))),
          elements.store,
          // Rounding to the format may have made it infinite.
          elements.load,
          look,
          elements.next,
          advance(count, -8),
        ],
        i32.gtS(count, 0),
      ),
      giveBack(v128.anyTrue(found)),
    ];
  });
}

/** All exponent bits are set. */
function isNotFinite(f: FunctionBuilder, x: Local<'v128'>): Value<'v128'> {
  return i32x4.geS(v128.and(x, f.i32x4(0x7fff_ffff)), f.i32x4(0x7f80_0000));
}
