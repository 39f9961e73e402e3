import { TensorError } from '@halfgrad/core';
import type { GPU, IGPUKernelSettings } from 'gpu.js';
import { canvasOf } from './canvas.ts';
import type { Program, TexelType } from './program.ts';
import type { Texture } from './texture.ts';

/**
 * Everything that is known of gpu.js's insides (2.24.1), which this package pins.
 *
 * gpu.js translates, compiles and runs; memory is ours: a kernel renders to textures that are given to it, in formats
 * that gpu.js has no name for, and reads textures by samplers that it does not address.
 */
interface GlKernel {
  readonly constructor: { readonly name: string };
  readonly fallbackReason: string | null;
  output: number[];
  threadDim: number[];
  texSize: Int32Array;
  maxTexSize: Int32Array;
  texture: Texture;
  mappedTextures: readonly Texture[] | null;
  drawBuffersMap: readonly number[] | null;
  framebuffer: WebGLFramebuffer;
  build(...args: readonly (Texture | number)[]): void;
  run(...args: readonly (Texture | number)[]): void;
}

/** A compiled kernel. */
export interface GpuKernel {
  /** Renders to `targets`, which have one size. */
  run(args: readonly (Texture | number)[], targets: readonly Texture[]): void;
}

export interface Compiler {
  compile(program: Program, args: readonly (Texture | number)[], targets: readonly Texture[]): GpuKernel;
}

/** The one gpu.js instance on a context. */
export async function createCompiler(gl: WebGL2RenderingContext, maxSize: number): Promise<Compiler> {
  const { GPU: Gpu } = await importGpuJs();
  // Its own feature checks open contexts of every kind; the probe of this package checks what it needs.
  Gpu.disableValidation();
  const gpu = new Gpu({ mode: 'webgl2', canvas: canvasOf(gl) });
  Gpu.enableValidation();
  // One framebuffer for all, so that only the last texture rendered to is kept alive by one.
  const framebuffer = gl.createFramebuffer();
  return {
    compile(program, args, targets) {
      const kernel = createKernel(gpu, program);
      aim(kernel, targets);
      kernel.maxTexSize = Int32Array.of(maxSize, maxSize);
      kernel.drawBuffersMap = targets.map((_, i) => gl.COLOR_ATTACHMENT0 + i);
      kernel.build(...args);
      if (kernel.constructor.name !== 'WebGL2Kernel' || kernel.fallbackReason !== null) {
        const reason = kernel.fallbackReason ?? `it chose a ${kernel.constructor.name}`;
        throw new TensorError(
          'unsupported',
          `gpu: gpu.js did not compile for WebGL 2 (${reason}). Use the cpu device.`,
        );
      }
      if (targets.length === 1) {
        gl.deleteFramebuffer(kernel.framebuffer);
        kernel.framebuffer = framebuffer;
      }
      return {
        run(nextArgs, nextTargets) {
          aim(kernel, nextTargets);
          kernel.run(...nextArgs);
        },
      };
    },
  };
}

/** Bundlers hand over the CommonJS module in different ways. */
async function importGpuJs(): Promise<{ GPU: typeof GPU & Validation }> {
  const module = (await import('gpu.js')) as unknown as { default?: Imported } & Imported;
  return (module.GPU ? module : module.default) as { GPU: typeof GPU & Validation };
}

interface Imported {
  GPU?: typeof GPU & Validation;
}

interface Validation {
  disableValidation(): void;
  enableValidation(): void;
}

const returnTypes = { float: 'Number', vec2: 'Array(2)', vec4: 'Array(4)' } as const satisfies Record<
  TexelType,
  string
>;

function createKernel(gpu: GPU, { textures, uniforms, returns, library, body, outputs }: Program): GlKernel {
  const native = (name: string, source: string, returnType: string, argumentTypes = {}) => ({
    name,
    source,
    returnType,
    argumentTypes,
  });
  const done = { done: 'Number' };
  const [first, ...rest] = outputs?.names ?? [];
  const names = [...textures, ...Object.keys(uniforms)];
  const settings = {
    argumentTypes: { ...Object.fromEntries(textures.map((name) => [name, 'NumberTexture'])), ...uniforms },
    dynamicArguments: true,
    dynamicOutput: true,
    // Only an immutable kernel looks at the textures of its further outputs again.
    immutable: outputs !== undefined,
    injectedNative: library + (outputs?.declarations ?? ''),
    nativeFunctions: [
      native('compute', body, returnTypes[outputs ? 'float' : returns]),
      ...(outputs?.names ?? []).map((name) => native(name, '', returnTypes.vec4, done)),
    ],
    output: [1, 1],
    pipeline: true,
    precision: 'single',
    returnType: returnTypes[returns],
    subKernels: outputs ? rest.map((name) => ({ name: `to_${name}`, property: name, source: forward(name) })) : null,
    // Without it gpu.js declares floats of low precision.
    tactic: 'precision',
    validate: false,
  };
  const result = first
    ? `const done = compute(); ${rest.map((name) => `to_${name}(done);`).join(' ')} return ${first}(done);`
    : 'return compute();';
  const source = `function(${names.join(', ')}) { ${result} }`;
  return gpu.createKernel(source, settings as unknown as IGPUKernelSettings).kernel as unknown as GlKernel;
}

function forward(name: string): string {
  return `function to_${name}(done) { return ${name}(done); }`;
}

/** Makes `targets` what the next run renders to. */
function aim(kernel: GlKernel, targets: readonly Texture[]): void {
  const [first, ...rest] = targets as readonly [Texture, ...Texture[]];
  kernel.output = [...first.extent];
  kernel.threadDim = [...first.extent, 1];
  kernel.texSize = first.size;
  kernel.texture = first;
  if (rest.length > 0) kernel.mappedTextures = rest;
}
