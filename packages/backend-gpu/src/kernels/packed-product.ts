import { sizeOf, type TensorSpec } from '@halfgrad/core';
import { requireSupported } from '../gl/format.ts';
import type { Outputs } from '../gl/program.ts';
import type { Texture } from '../gl/texture.ts';
import { glslTexel } from '../glsl/codecs.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import type { Walk } from './layout.ts';
import { planOffsets } from './offsets.ts';

/** Where the elements of a batch of matrices lie in a tensor. */
export interface Matrix {
  readonly tensor: GpuTensor;
  readonly rows: number;
  readonly columns: number;
  readonly rowStep: number;
  readonly columnStep: number;
  /** Over the batch, to the first element of each matrix. */
  readonly walk: Walk;
}

/** out = left · right + bias */
export interface Product {
  readonly left: Matrix;
  readonly right: Matrix;
  readonly bias: GpuTensor | undefined;
  readonly batch: readonly number[];
  readonly out: TensorSpec;
}

/** Whether the packed operands fit into textures, and there is anything to pack. */
export function fits({ context: { maxSize } }: Runtime, { left, right, batch, out }: Product): boolean {
  if (left.columns === 0 || sizeOf(out.shape) === 0) return false;
  const matrices = sizeOf(batch);
  const rows = matrices * Math.max(padded(left.rows), padded(right.rows));
  return Math.max(rows, padded(left.columns) / 4, padded(right.columns) / 4) <= maxSize;
}

/**
 * The product by way of textures whose texels are four neighbouring elements of a row.
 *
 * An invocation multiplies four columns of `left` with four rows of `right` at a time and computes four columns of the
 * result; where the driver can render to four textures at once also four rows, which needs a quarter of the reads.
 */
export function packedProduct(runtime: Runtime, product: Product): GpuTensor {
  const { memory } = runtime;
  const { left, right, batch } = product;
  const count = sizeOf(batch);
  const a = pack(runtime, left, count);
  const b = pack(runtime, right, count);
  const rows = count * padded(left.rows);
  const targetCount = runtime.canRenderToFour ? 4 : 1;
  const targets = Array.from({ length: targetCount }, () =>
    memory.allocateQuads([padded(right.columns) / 4, rows / targetCount]),
  );
  const uniforms = { aRows: ['Integer', padded(left.rows)], bRows: ['Integer', padded(right.rows)] } as const;
  const textures = { a, b };
  if (targetCount === 4) {
    runtime.render({ name: 'product 4x4', textures, uniforms, body: blockBody }, 'vec4', targets, blockRows);
  } else {
    runtime.render({ name: 'product 1x4', textures, uniforms, body: rowBody }, 'vec4', targets);
  }
  const result = unpack(runtime, targets, product);
  for (const texture of [a, b, ...targets]) memory.release('float32', texture);
  return result;
}

/** The next multiple of 4. */
function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}

/** The matrices one below the other, four columns per texel, zeros up to multiples of 4. */
function pack(runtime: Runtime, { tensor, rows, columns, rowStep, columnStep, walk }: Matrix, count: number): Texture {
  const { key, uniforms, code } = planOffsets(['x'], walk);
  const target = runtime.memory.allocateQuads([padded(columns) / 4, count * padded(rows)]);
  const read = (lane: number): string =>
    `column + ${lane} < user_columns ? decode_${tensor.dtype}(texelFetch(user_x, texelAt(user_xDim, xAt + ${lane} * user_columnStep), 0)) : 0.0`;
  runtime.render(
    {
      name: `pack ${tensor.dtype} ${key}`,
      textures: { x: runtime.textureOf(tensor) },
      uniforms: {
        ...uniforms,
        rows: ['Integer', rows],
        paddedRows: ['Integer', padded(rows)],
        columns: ['Integer', columns],
        rowStep: ['Integer', rowStep],
        columnStep: ['Integer', columnStep],
      },
      body: () => `vec4 compute() {
  ivec2 texel = outputTexel();
  int i = texel.y / user_paddedRows;
  int row = texel.y - i * user_paddedRows;
  if (row >= user_rows) return vec4(0.0);
  int column = texel.x * 4;
  ${code}
  xAt += row * user_rowStep + column * user_columnStep;
  return vec4(
    ${lanes.map(read).join(',\n    ')}
  );
}`,
    },
    'vec4',
    [target],
  );
  return target;
}

/** Coordinates from 0 to 1 instead of texel numbers: on some drivers `texture` is twice as fast as `texelFetch`. */
const coordinates = `vec2 aTexel = 1.0 / vec2(textureSize(user_a, 0));
  vec2 bTexel = 1.0 / vec2(textureSize(user_b, 0));
  int quads = textureSize(user_a, 0).x;
  float x = gl_FragCoord.x * bTexel.x;`;

function rowBody(): string {
  return `vec4 compute() {
  ${coordinates}
  float y = gl_FragCoord.y * aTexel.y;
  int bRow = int(gl_FragCoord.y) / user_aRows * user_bRows;
  vec4 total = vec4(0.0);
  for (int k = 0; k < quads; k++) {
    vec4 a = texture(user_a, vec2((float(k) + 0.5) * aTexel.x, y));
    float v = (float(bRow + 4 * k) + 0.5) * bTexel.y;
    total += a.x * texture(user_b, vec2(x, v))
      + a.y * texture(user_b, vec2(x, v + bTexel.y))
      + a.z * texture(user_b, vec2(x, v + 2.0 * bTexel.y))
      + a.w * texture(user_b, vec2(x, v + 3.0 * bTexel.y));
  }
  return total;
}`;
}

const lanes = [0, 1, 2, 3];

const blockRows: Outputs = {
  names: lanes.map((row) => `row${row}`),
  declarations: lanes.map((row) => `vec4 total${row};\nvec4 row${row}(float done) { return total${row}; }`).join('\n'),
};

function blockBody(): string {
  const read = (name: string, at: (lane: number) => string): string =>
    lanes.map((lane) => `vec4 ${name}${lane} = texture(user_${name}, ${at(lane)});`).join('\n    ');
  const add = (row: number): string =>
    `total${row} += a${row}.x * b0 + a${row}.y * b1 + a${row}.z * b2 + a${row}.w * b3;`;
  return `float compute() {
  ${coordinates}
  ${lanes.map((row) => `total${row} = vec4(0.0);`).join(' ')}
  int aRow = int(gl_FragCoord.y) * 4;
  float y = (float(aRow) + 0.5) * aTexel.y;
  int bRow = aRow / user_aRows * user_bRows;
  for (int k = 0; k < quads; k++) {
    float u = (float(k) + 0.5) * aTexel.x;
    float v = (float(bRow + 4 * k) + 0.5) * bTexel.y;
    ${read('a', (lane) => `vec2(u, y + ${lane}.0 * aTexel.y)`)}
    ${read('b', (lane) => `vec2(x, v + ${lane}.0 * bTexel.y)`)}
    ${lanes.map(add).join('\n    ')}
  }
  return 0.0;
}`;
}

/** From four columns per texel to the layout of tensors, with the bias added before the one rounding. */
function unpack(runtime: Runtime, sources: readonly Texture[], { left, right, bias, out }: Product): GpuTensor {
  const dtype = requireSupported(out.dtype);
  const names = sources.map((_, row) => `rows${row}`);
  const shift = Math.log2(sources.length);
  const pick = names.map(
    (name, row) => `if (lane == ${row}) quad = texelFetch(user_${name}, ivec2(column / 4, row >> ${shift}), 0);`,
  );
  return runtime.compute(out, {
    name: `unpack ${sources.length} ${dtype} ${bias?.dtype}`,
    textures: {
      ...Object.fromEntries(names.map((name, row) => [name, sources[row]!])),
      ...(bias && { bias: runtime.textureOf(bias) }),
    },
    uniforms: {
      rows: ['Integer', left.rows],
      paddedRows: ['Integer', padded(left.rows)],
      columns: ['Integer', right.columns],
    },
    body: () => `${glslTexel(dtype)} compute() {
  int i = outputIndex();
  int line = i / user_columns;
  int column = i - line * user_columns;
  int matrix = line / user_rows;
  int row = line + matrix * (user_paddedRows - user_rows);
  int lane = row & ${sources.length - 1};
  vec4 quad;
  ${pick.join('\n  ')}
  int c = column & 3;
  float total = c == 0 ? quad.x : c == 1 ? quad.y : c == 2 ? quad.z : quad.w;
  ${bias ? `total += decode_${bias.dtype}(texelFetch(user_bias, texelAt(user_biasDim, column), 0));` : ''}
  return encode_${dtype}(total);
}`,
  });
}
