"""Checks that the Python package `safetensors` and halfgrad read each other's files, bit by bit.

    pip install safetensors numpy        (with torch, models that tie weights are checked too)
    pnpm exec python3 scripts/check-safetensors.py
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors import deserialize, safe_open
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parent.parent

# Each row: the type in NumPy, in files, and in halfgrad.
TYPES = [
    ("bool", "BOOL", "bool"),
    ("uint8", "U8", "uint8"),
    ("int32", "I32", "int32"),
    ("int64", "I64", "int32"),
    ("float16", "F16", "float16"),
    ("float32", "F32", "float32"),
    ("float64", "F64", "float64"),
]
SHAPES = [(), (0,), (5,), (2, 3), (3, 0, 2), (2, 3, 4)]
METADATA = {"format": "np", "größe": "ein \"Zitat\"\n"}

# Reads the first file and prints it, and writes it again; bfloat16 comes from halfgrad, since NumPy has none.
EXCHANGE = """
import { tensor } from 'halfgrad';
import { loadSafetensors, saveSafetensors } from 'halfgrad/io';

const [given, written] = process.argv.slice(1);
const { tensors, metadata } = await loadSafetensors(given);
const bfloat16 = tensor([1, -2.5, 3.140625], { dtype: 'bfloat16' });
await saveSafetensors(written, { ...tensors, bfloat16 }, { metadata });
const shown = Object.entries(tensors).map(([name, x]) => [name, x.dtype, x.shape, x.toArray()]);
console.log(JSON.stringify({ metadata, tensors: Object.fromEntries(shown.map(([name, ...rest]) => [name, rest])) }));
"""

# Loads a model whose head is tied to its embedding, and saves it.
EXCHANGE_MODEL = """
import { tensor } from 'halfgrad';
import { loadModel, saveModel } from 'halfgrad/io';
import { BatchNorm1d, Embedding, Linear, Module } from 'halfgrad/nn';

class Net extends Module {
  embed = new Embedding(5, 4);
  norm = new BatchNorm1d(4);
  head = new Linear(4, 5);
  constructor() {
    super();
    this.head.weight = this.embed.weight;
  }
}
const [given, written] = process.argv.slice(1);
const net = new Net();
await loadModel(given, net);
await saveModel(written, net);
console.log(JSON.stringify(net.head.weight === net.embed.weight && net.norm.numBatchesTracked.item()));
"""


def run_node(code, *args):
    command = ["node", "--conditions=@halfgrad/source", "--input-type=module", "--eval", code, *map(str, args)]
    run = subprocess.run(command, cwd=ROOT / "packages" / "halfgrad", capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(run.stderr)
    return json.loads(run.stdout)


def examples():
    """Arrays of every type and shape, by a name that says which."""
    for dtype, file_type, own in TYPES:
        for shape in SHAPES:
            values = (np.arange(np.prod(shape, dtype=int)) * 37 % 101 - 50).reshape(shape) / (4 if "float" in dtype else 1)
            yield f"{file_type} {shape}", np.asarray(values.astype(dtype)), own


def metadata_of(path):
    with safe_open(path, framework="np") as file:
        return file.metadata()


def check_files(folder):
    given, written = str(folder / "given.safetensors"), str(folder / "written.safetensors")
    arrays = {name: array for name, array, _ in examples()}
    save_file(arrays, given, metadata=METADATA)

    read = run_node(EXCHANGE, given, written)
    assert read["metadata"] == METADATA, "halfgrad read other metadata"
    for name, array, own in examples():
        assert read["tensors"][name] == [own, list(array.shape), array.tolist()], f"halfgrad read another {name}"

    entries = dict(deserialize(Path(written).read_bytes()))
    assert metadata_of(written) == METADATA, "the package read other metadata"
    assert set(entries) == {*arrays, "bfloat16"}, "the package read other names"
    for name, array, own in examples():
        expected = array.astype(own)
        entry = entries[name]
        assert list(entry["shape"]) == list(array.shape), f"the package read another shape of {name}"
        assert bytes(entry["data"]) == expected.tobytes(), f"the package read other bits of {name}"
    assert entries["bfloat16"]["dtype"] == "BF16", "bfloat16"
    assert bytes(entries["bfloat16"]["data"]) == np.array([0x3F80, 0xC020, 0x4049], dtype="<u2").tobytes(), "bfloat16"

    # The same tensors in the same types are the same file, byte by byte.
    same = {name: array for name, array in arrays.items() if not name.startswith("I64")}
    save_file(same, given)
    assert set(load_file(given)) == set(same)
    again = run_node(EXCHANGE.replace("...tensors, bfloat16", "...tensors"), given, written)
    assert again["metadata"] == {} and Path(given).read_bytes() == Path(written).read_bytes(), "other bytes"
    return len(arrays)


def check_model(folder):
    import torch
    from safetensors.torch import load_model, save_model

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(5, 4)
            self.norm = torch.nn.BatchNorm1d(4)
            self.head = torch.nn.Linear(4, 5)
            self.head.weight = self.embed.weight

    given, written = str(folder / "model.safetensors"), str(folder / "back.safetensors")
    net = Net()
    net.norm(torch.randn(6, 4))
    save_model(net, given)
    assert run_node(EXCHANGE_MODEL, given, written) == 1, "halfgrad loaded another model"
    other = Net()
    load_model(other, written)
    for name, value in net.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), f"torch loaded another {name}"
        assert value.dtype == other.state_dict()[name].dtype, f"torch loaded another type of {name}"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"safetensors and halfgrad agree on {check_files(folder)} tensors")
        try:
            import torch
        except ImportError:
            print("models are not checked: there is no torch")
        else:
            check_model(folder)
            print(f"torch {torch.__version__} and halfgrad agree on a model that ties weights")


if __name__ == "__main__":
    main()
