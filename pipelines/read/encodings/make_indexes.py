"""Writes indexes.npz, the tables of the WHATWG Encoding standard: `python -m
gristmill.pipelines.read.encodings.make_indexes FOLDER`, where FOLDER is a checkout of github.com/whatwg/encoding.
"""

import json
import sys
from pathlib import Path

import numpy as np

TWO_BYTES = ("big5", "euc-kr", "gb18030", "jis0208", "jis0212")
OTHERS = (*TWO_BYTES, "gb18030-ranges", "iso-2022-jp-katakana")


def main(folder: Path) -> None:
    """Write the indexes: of two-byte encodings as differences of neighbours, which pack well; 0 is no character."""
    indexes = json.loads((folder / "indexes.json").read_text())
    made = {}
    for name in TWO_BYTES:
        points = np.array([point or 0 for point in indexes[name]], np.int32)
        made[name] = np.diff(points, prepend=np.int32(0))
    made["gb18030-ranges"] = np.array(indexes["gb18030-ranges"], np.int32)
    for name, index in indexes.items():
        if name not in OTHERS:
            made[name] = np.array([point or 0 for point in index], np.uint16)
    np.savez_compressed(Path(__file__).with_name("indexes.npz"), allow_pickle=False, **made)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
