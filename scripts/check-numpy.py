"""Checks that NumPy and halfgrad read each other's arrays, element by element and type by type.

    pnpm exec python3 scripts/check-numpy.py
"""

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent

# Reads the arrays of the first file, prints them, and writes them again: stored, compressed, and one alone.
EXCHANGE = """
import 'halfgrad';
import { loadNpz, saveNpy, saveNpz } from 'halfgrad/io';

const [given, stored, packed, alone] = process.argv.slice(1);
const arrays = await loadNpz(given);
await saveNpz(stored, arrays);
await saveNpz(packed, arrays, { compression: 'deflate' });
await saveNpy(alone, arrays['C <f4 (2, 3, 4)']);
console.log(JSON.stringify(Object.entries(arrays).map(([name, x]) => [name, x.dtype, x.shape, x.toArray()])));
"""

# What each type of NumPy is in halfgrad; int64 is read as int32.
TYPES = {
    "|b1": "bool",
    "|u1": "uint8",
    **{f"{order}{code}": dtype for order in "<>" for code, dtype in {
        "i4": "int32", "i8": "int32", "f2": "float16", "f4": "float32", "f8": "float64",
    }.items()},
}
SHAPES = [(), (0,), (5,), (2, 3), (3, 0, 2), (2, 3, 4)]


def examples():
    """Arrays of every type, shape, byte order and order of elements, by a name that says which."""
    for descr in TYPES:
        for shape in SHAPES:
            values = (np.arange(np.prod(shape, dtype=int)) * 37 % 101 - 50).reshape(shape) / (4 if "f" in descr else 1)
            for order in "CF":
                yield f"{order} {descr} {shape}", descr, np.asarray(values.astype(descr), order=order)


def write_npz(path, arrays):
    """Like numpy.savez, with a version of the format for each array in turn."""
    with zipfile.ZipFile(path, "w") as archive:
        for i, (name, array) in enumerate(arrays.items()):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=[(1, 0), (2, 0), (3, 0)][i % 3])
            archive.writestr(f"{name}.npy", content.getvalue())


def main():
    arrays = {name: array for name, _, array in examples()}
    expected = [
        [name, TYPES[descr], list(array.shape), array.tolist()] for name, descr, array in examples()
    ]
    with tempfile.TemporaryDirectory() as folder:
        given, stored, packed, alone = (str(Path(folder) / name) for name in ["a.npz", "b.npz", "c.npz", "d.npy"])
        write_npz(given, arrays)
        command = ["node", "--conditions=@halfgrad/source", "--input-type=module", "--eval", EXCHANGE]
        run = subprocess.run(
            [*command, given, stored, packed, alone],
            cwd=ROOT / "packages" / "halfgrad", capture_output=True, text=True, check=False,
        )
        if run.returncode != 0:
            sys.exit(run.stderr)
        assert json.loads(run.stdout) == expected, "halfgrad read something else than NumPy wrote"

        for path in [stored, packed]:
            with np.load(path) as loaded:
                assert sorted(loaded) == sorted(arrays), "names"
                for name, dtype, _, _ in expected:
                    assert loaded[name].dtype.name == dtype, name
                    assert loaded[name].shape == arrays[name].shape, name
                    assert np.array_equal(loaded[name], arrays[name]), name
        assert np.array_equal(np.load(alone), arrays["C <f4 (2, 3, 4)"]), "one array"
    print(f"NumPy {np.__version__} and halfgrad agree on {len(arrays)} arrays")


if __name__ == "__main__":
    main()
