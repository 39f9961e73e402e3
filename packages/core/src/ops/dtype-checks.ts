import { type DType, dtypeNames, isDType, isFloat8 } from '../spec/dtype.ts';
import { TensorError } from '../spec/errors.ts';
import { leaves, showSpec, type TensorSpec, type Tree } from '../spec/spec.ts';
import type { OpName, Ops } from './signatures.ts';

/** The ops that pass elements on as they are. Only these, and `cast`, take 8-bit floats (AMP.md D4.8). */
const moving: ReadonlySet<OpName> = new Set<OpName>([
  'cast',
  'reshape',
  'permute',
  'expand',
  'slice',
  'pad',
  'concat',
  'flip',
  'indexSelect',
  'gather',
  'scatter',
]);

type Rule = (inputs: Tree<TensorSpec>, attrs: { readonly dtype?: DType | undefined } | undefined) => unknown;

/** The rules, each preceded by the check that dtypes exist and that nothing computes with a format that only stores. */
export function checkingDTypes(rules: Ops<TensorSpec>): Ops<TensorSpec> {
  const checked = Object.entries(rules as unknown as Readonly<Record<string, Rule>>).map(([op, rule]) => {
    const mayStore = moving.has(op as OpName);
    const checkedRule: Rule = (inputs, attrs) => {
      const dtype = attrs?.dtype;
      if (dtype !== undefined && !isDType(dtype)) throw unknownDType(op, dtype);
      if (!mayStore) {
        for (const x of leaves<TensorSpec>(inputs)) if (isFloat8(x.dtype)) throw storageOnly(op, showSpec(x));
        if (dtype !== undefined && isFloat8(dtype)) throw storageOnly(op, dtype);
      }
      return rule(inputs, attrs);
    };
    return [op, checkedRule] as const;
  });
  return Object.fromEntries(checked) as unknown as Ops<TensorSpec>;
}

function unknownDType(op: string, name: unknown): TensorError {
  return new TensorError('invalid-argument', `${op}: "${name}" is not a dtype. Use one of ${dtypeNames.join(', ')}.`);
}

function storageOnly(op: string, what: string): TensorError {
  return new TensorError(
    'dtype-mismatch',
    `${op}: 8-bit floats only store (${what}). Cast first, for instance with .to('float32').`,
  );
}
