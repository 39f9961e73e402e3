/**
 * The name that a camelCase field has in PyTorch's state dictionaries: `runningMean` is `running_mean`. A name that
 * begins with a capital is kept, as models with such keys (`LayerNorm`) have a field of that name.
 */
export function torchName(name: string): string {
  return /^[A-Z]/.test(name) ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
