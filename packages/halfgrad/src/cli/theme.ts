import type pc from 'picocolors';

export interface RenderOptions {
  /** From picocolors, which leaves colours out where the output is no terminal or `NO_COLOR` is set. */
  readonly colors: Pick<typeof pc, 'bold' | 'dim' | 'green' | 'red' | 'yellow'>;
  /** The longest line that is written where a choice exists. */
  readonly columns: number;
}
