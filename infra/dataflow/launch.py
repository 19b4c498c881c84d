"""The launcher of the Flex Template: `python launch.py --recipe=gs://... --out=gs://... --template_location=...`.

Google's own program starts it in the image, hands over the parameters and where to write the job down, and starts that
job when this process has ended. So nothing is waited for here: `gristmill dataflow submit`, or any `gristmill run` in
the same run directory, publishes the manifest and the report when the job is done.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from gristmill.infra.dataflow.template import OURS
from gristmill.pipelines.errors import GristmillError, RecipeError
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import STAGES, Request
from gristmill.pipelines.runners.dataflow.options import known
from gristmill.pipelines.storage import remote
from gristmill.pipelines.storage.addresses import is_remote, redacted

MOST_BYTES = 1 << 30
"""Of the folder that a recipe lies in: models, lists and labels beside it are brought along, a corpus is not."""


def main(arguments: list[str]) -> int:
    """Write the job down. Returns the exit code; the error is the last thing that is said."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name, text, _, optional in OURS:
        parser.add_argument(f"--{name}", help=text, required=not optional)
    asked, rest = parser.parse_known_args(arguments)
    image = os.environ.get("GRISTMILL_IMAGE", "")
    given = [] if any(one.startswith("--sdk_container_image") for one in rest) else [f"--sdk_container_image={image}"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            recipe = bring(asked.recipe, Path(folder))
            request = Request(
                recipe,
                asked.out,
                runner="dataflow",
                until=asked.until or STAGES[-1],
                sample=float(asked.sample or 1),
                beam_args=(*known(rest), *given),
            )
            execute(request)
    except GristmillError as error:
        sys.stderr.write(redacted(str(error)) + "\n")
        return error.exit_code
    return 0


def bring(recipe: str, folder: Path) -> Path:
    """A copy of the recipe and of what lies beside it. Raises RecipeError."""
    if not is_remote(recipe):
        return Path(recipe)
    above, _, name = recipe.rpartition("/")
    files = remote.find(above)
    if name not in files:
        raise RecipeError(f"no recipe '{name}'", where=recipe, fix="copy it there: gcloud storage cp")
    if sum(files.values()) > MOST_BYTES:
        fix = "put the recipe, and the models, lists and labels that it names, into a folder of their own"
        raise RecipeError(f"the recipe's folder has more than {MOST_BYTES:,} bytes", where=above, fix=fix)
    for path in files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        remote.download(f"{above}/{path}", target)
    return folder / name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
