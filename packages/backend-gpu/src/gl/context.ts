import { type HostData, TensorError } from '@halfgrad/core';
import { openContext } from './canvas.ts';
import type { TextureFormat } from './format.ts';
import { type Compiler, createCompiler, type GpuKernel } from './gpu-js.ts';
import type { Program } from './program.ts';
import { type Extent, Texture } from './texture.ts';
import { createGlTexture, readTexels, writeTexels } from './transfer.ts';

/** The WebGL 2 context of this process or page: its textures and its compiled kernels. */
export interface GlContext {
  readonly gl: WebGL2RenderingContext;
  /** The largest width and height of a texture. */
  readonly maxSize: number;
  create(format: TextureFormat, extent: Extent): Texture;
  /** A texture whose first texels are `data`. */
  upload(format: TextureFormat, extent: Extent, data: HostData): Texture;
  /** Fills `into` with the first texels, waiting for everything that computes them. */
  read(texture: Texture, into: HostData): void;
  delete(texture: Texture): void;
  /** Renders to `targets` with the kernel of this name, which `program` describes the first time. */
  run(name: string, program: () => Program, args: readonly (Texture | number)[], targets: readonly Texture[]): void;
  /** @throws TensorError `device-lost` once the browser has taken the context away. */
  requireAlive(): void;
}

/** @throws TensorError `unsupported` where there is no WebGL 2 that can compute. */
export async function createContext(): Promise<GlContext> {
  const gl = await openContext();
  const maxSize = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
  const compiler = await createCompiler(gl, maxSize);
  return contextOf(gl, maxSize, compiler);
}

/** From this size on it is worth asking, which waits for the GPU, whether an allocation succeeded. */
const largeTextureBytes = 2 ** 24;

function contextOf(gl: WebGL2RenderingContext, maxSize: number, compiler: Compiler): GlContext {
  const kernels = new Map<string, GpuKernel>();
  const reading = gl.createFramebuffer();

  function create(format: TextureFormat, extent: Extent): Texture {
    requireAlive();
    const [width, height] = extent;
    const bytes = width * height * format.bytes;
    if (Math.max(width, height) > maxSize) {
      throw new TensorError(
        'out-of-memory',
        `gpu: a texture of ${width}×${height} is larger than this GPU's ${maxSize}×${maxSize}. Split the tensor, or use the cpu device.`,
      );
    }
    const texture = new Texture(gl, createGlTexture(gl, format, width, height), format, extent);
    if (bytes >= largeTextureBytes && gl.getError() === gl.OUT_OF_MEMORY) {
      gl.deleteTexture(texture.texture);
      throw new TensorError(
        'out-of-memory',
        `gpu: no memory for another ${bytes} bytes. Use smaller batches, or scope(() => …) to free what is not needed.`,
      );
    }
    return texture;
  }

  function requireAlive(): void {
    if (!gl.isContextLost()) return;
    throw new TensorError(
      'device-lost',
      'gpu: the WebGL context was lost, and its tensors with it. Open the device again and load them from a checkpoint.',
    );
  }

  return {
    gl,
    maxSize,
    create,
    upload(format, extent, data) {
      const texture = create(format, extent);
      writeTexels(gl, texture, data);
      return texture;
    },
    read(texture, into) {
      requireAlive();
      gl.bindFramebuffer(gl.FRAMEBUFFER, reading);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture.texture, 0);
      readTexels(gl, texture, into);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, null, 0);
      requireAlive();
    },
    delete(texture) {
      gl.deleteTexture(texture.texture);
    },
    run(name, program, args, targets) {
      let kernel = kernels.get(name);
      if (!kernel) {
        kernel = compiler.compile(program(), args, targets);
        kernels.set(name, kernel);
      }
      kernel.run(args, targets);
    },
    requireAlive,
  };
}
