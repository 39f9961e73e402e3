import { type DType, encodeNumbers, finfo, type HostData, TensorError } from '@halfgrad/core';
import { quadFormat } from './gl/format.ts';
import { copyTexels } from './kernels/copy.ts';
import { elementwise } from './kernels/elementwise.ts';
import type { Runtime } from './runtime.ts';
import type { GpuTensor } from './storage.ts';

/**
 * Has the GPU compute what drivers are known to get wrong, and finds out what kernels may rely on.
 *
 * @throws TensorError `unsupported` when this WebGL does not keep what the device promises.
 */
export function probe(runtime: Runtime): void {
  for (const [dtype, values] of Object.entries(stored) as [DType, readonly number[]][]) {
    const data = encodeNumbers(values, dtype);
    const copy = withTensor(runtime, data, dtype, (x) => copyTexels(runtime, x, x));
    requireEqual(`${dtype} tensors do not come back as they were`, copy, data);
  }
  const singles = encodeNumbers(special, 'float32');
  for (const dtype of ['float16', 'bfloat16'] as const) {
    const bits = withTensor(runtime, singles, 'float32', (x) => formula(runtime, x, 'x', dtype));
    requireEqual(`casts to ${dtype} round wrongly`, bits, encodeNumbers(special, dtype));
  }
  const isFinite = encodeNumbers(special.map(Number.isFinite).map(Number), 'float32');
  const found = withTensor(runtime, singles, 'float32', (x) =>
    formula(runtime, x, 'isFinite(x) ? 1.0 : 0.0', 'float32'),
  );
  requireEqual('infinities or NaN go unnoticed', found, isFinite);
  const maxima = withTensor(runtime, singles, 'float32', (x) => formula(runtime, x, 'max_(x, 0.0)', 'float32'));
  requireEqual(
    'NaN does not survive max',
    maxima,
    encodeNumbers(
      special.map((x) => Math.max(x, 0)),
      'float32',
    ),
  );
  runtime.canRenderToFour = rendersToFour(runtime);
}

const { max, smallestNormal } = finfo('float32');

/** For every storage format, elements with all kinds of bytes. */
const stored: { readonly [D in DType]?: readonly number[] } = {
  float32: [0, -0, 1.5, max, -smallestNormal, 1 / 3, Number.POSITIVE_INFINITY, Number.NaN],
  float16: [0, -0, 1.5, -65504, 2 ** -24, 1 / 3, Number.POSITIVE_INFINITY],
  bfloat16: [0, -0, 1.5, -3e38, smallestNormal, 1 / 3, Number.POSITIVE_INFINITY],
  int32: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 123_456_789],
  uint8: [0, 1, 127, 128, 255],
};

/** Ties, the numbers around float16's overflow and underflow, and what is not finite. */
const special: readonly number[] = [
  ...[1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -8, 1 + 3 * 2 ** -8],
  ...[65519, 65520, max, 2 ** -25, 3 * 2 ** -25, -(2 ** -15), 0, -1],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

function formula(runtime: Runtime, x: GpuTensor, code: string, dtype: DType): GpuTensor {
  const operands = { x: { tensor: x, as: 'float32' as const } };
  return elementwise(
    runtime,
    { name: `probe ${code}`, operands, formula: code, computes: 'float32' },
    { shape: x.shape, dtype },
  );
}

/** What comes back of what is computed from `data`. */
function withTensor(runtime: Runtime, data: HostData, dtype: DType, compute: (x: GpuTensor) => GpuTensor): HostData {
  const x = runtime.upload(data, { shape: [data.length], dtype });
  const result = compute(x);
  const read = runtime.read(result);
  for (const tensor of [x, result]) runtime.memory.free(tensor);
  return read;
}

function requireEqual(problem: string, actual: HostData, expected: HostData): void {
  const at = expected.findIndex((element, i) => !Object.is(element, actual[i]));
  if (at === -1) return;
  throw new TensorError(
    'unsupported',
    `gpu: this WebGL cannot be used, ${problem} (${actual[at]}, not ${expected[at]}). Update the graphics driver, or use the cpu device.`,
  );
}

/** Some implementations have WebGL's multiple render targets and render to the first of them only. */
function rendersToFour(runtime: Runtime): boolean {
  const { context, memory } = runtime;
  const names = ['one', 'two', 'three', 'four'];
  const targets = names.map(() => memory.allocateQuads([1, 1]));
  const declarations = names.map((name, i) => `vec4 ${name}(float done) { return vec4(done + ${i}.0); }`).join('\n');
  const pass = { name: 'probe four', textures: {}, body: () => 'float compute() { return 1.0; }' };
  runtime.render(pass, 'vec4', targets, { names, declarations });
  const read = targets.map((texture) => {
    const texel = new Float32Array(quadFormat.channels);
    context.read(texture, texel);
    memory.release('float32', texture);
    return texel[0];
  });
  // Where it fails, WebGL has also noted an error.
  context.gl.getError();
  return read.every((value, i) => value === i + 1);
}
