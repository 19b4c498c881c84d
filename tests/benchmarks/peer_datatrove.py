"""datatrove's chain of the same filters, to compare with: PYTHON peer_datatrove.py INPUT.parquet OUTPUT_FOLDER.

As examples/fineweb.py has it: Gopher repetition, Gopher quality, C4 without the terminal rule, FineWeb quality.
"""

import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter

if __name__ == "__main__":
    source, target = Path(sys.argv[1]), sys.argv[2]
    LocalPipelineExecutor(
        pipeline=[
            ParquetReader(str(source.parent), glob_pattern=source.name),
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            C4QualityFilter(filter_no_terminal_punct=False),
            FineWebQualityFilter(),
            ParquetWriter(target),
        ],
        tasks=1,
        logging_dir=f"{target}-logs",
    ).run()
