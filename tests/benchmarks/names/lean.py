"""Makes of fitted weights those that are shipped: how readily a name begins in each script, chosen on development sets.

    python tests/benchmarks/names/lean.py RAW.npz[,RAW.npz...] --out MODEL.npz [--latin N] [--han N] [--address N]
    python tests/benchmarks/names/lean.py RAW.npz[,RAW.npz...] --try=-40,-20,0,20 DEV.jsonl...

Of several weights it takes the mean. The second form writes nothing: precision and recall on each file, of every
number, for both scripts. What is added to names stands in the weights of the feature that says of which kind a token
is, so it costs nothing when names are looked for; what is added to addresses stands in the steps to them.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from measure import samples

from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.evaluate import evaluate
from gristmill.filters.pii.names.tagger import decode
from gristmill.filters.pii.names.tagger.decode import ADDRESS_BEGINS, LABELS, PERSON_BEGINS
from gristmill.filters.pii.names.tagger.tokens import HAN, WORD, mix

_KIND = 117
"""What features.features() begins the slot of gaps, shape and kind with."""


def mean(files: list[Path]) -> tuple[np.ndarray, np.ndarray, float]:
    """(weight_WL int16, step_LL int32, scale) of fits in several orders, whose faults are not the same."""
    weights, steps, scales = zip(
        *((data["weight_WL"].astype(np.int16), data["step_LL"], float(data["scale"])) for data in map(np.load, files)),
        strict=True,
    )
    if len(files) == 1:
        return weights[0], steps[0].copy(), scales[0]
    mean_WL = sum(weight_WL / scale for weight_WL, scale in zip(weights, scales, strict=True)) / len(files)
    mean_LL = sum(step_LL / scale for step_LL, scale in zip(steps, scales, strict=True)) / len(files)
    scale = 127 / np.quantile(np.abs(mean_WL[mean_WL != 0]), 0.9999)
    return np.rint(mean_WL * scale).astype(np.int16), np.rint(mean_LL * scale).astype(np.int32), float(scale)


def leant(files: list[Path], latin: int, han: int, address: int) -> dict[str, np.ndarray]:
    """The arrays of the model."""
    weight_WL, step_LL, scale = mean(files)
    for kind, leaning in ((WORD, latin), (HAN, han)):
        slots = {
            int(mix.py_func(_KIND, (gap * 4 + then) * 64 + shape * 8 + kind)) & (len(weight_WL) - 1)
            for gap in range(3)
            for then in range(3)
            for shape in range(5 if kind == WORD else 1)
        }
        for slot in slots:
            weight_WL[slot, PERSON_BEGINS] += leaning
    step_LL[:, ADDRESS_BEGINS] += address
    return {"weight_WL": np.clip(weight_WL, -127, 127).astype(np.int8), "step_LL": step_LL, "scale": np.float64(scale)}


def tried(model: dict[str, np.ndarray], files: list[Path]) -> str:
    """Precision and recall of names on each file."""
    with tempfile.TemporaryDirectory() as folder:
        decode.WEIGHTS = Path(folder) / "model.npz"
        np.savez(decode.WEIGHTS, **model)
        decode.weights.cache_clear()
        scores = [evaluate(samples(file), Scrubber(["PERSON"]))["PERSON", ""] for file in files]
    return "  ".join(
        f"{file.stem} {score.precision or 0:.3f}/{score.recall or 0:.3f} {score.f() or 0:.3f}"
        for file, score in zip(files, scores, strict=True)
    )


def main() -> None:
    """Write the model, or try some."""
    assert LABELS == 5
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=lambda names: [Path(name) for name in names.split(",")])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--try", dest="numbers", default="")
    parser.add_argument("--latin", type=int, default=0)
    parser.add_argument("--han", type=int, default=0)
    parser.add_argument("--address", type=int, default=20)
    args = parser.parse_intermixed_args()
    for number in map(int, filter(None, args.numbers.split(","))):
        print(f"{number:4}", tried(leant(args.raw, number, number, args.address), args.files), flush=True)
    if args.out:
        np.savez_compressed(args.out, **leant(args.raw, args.latin, args.han, args.address))
        print(f"{args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
