/** What a shader gets besides textures: an `int` or a `float` uniform, called `user_<name>` in GLSL. */
export type UniformType = 'Integer' | 'Float';

/** What one texel takes. */
export type TexelType = 'float' | 'vec2' | 'vec4';

/** A kernel in GLSL ES 3.00. */
export interface Program {
  /** The textures that it reads: `sampler2D user_<name>`, with `user_<name>Dim` for `texelAt`. */
  readonly textures: readonly string[];
  readonly uniforms: Readonly<Record<string, UniformType>>;
  readonly returns: TexelType;
  /** Functions that mention no textures or uniforms. */
  readonly library: string;
  /** Ends with the function `compute()`, which returns the texel at `gl_FragCoord`. */
  readonly body: string;
  readonly outputs?: Outputs;
}

/**
 * For a kernel that renders to several textures at once: one function per texture, `vec4 <name>(float)`, called with what
 * `float compute()` returned.
 */
export interface Outputs {
  readonly names: readonly string[];
  /** These functions, and the variables through which `compute` hands them their results. */
  readonly declarations: string;
}
