"""python replay.py gs://BUCKET/.../pipeline.pb: fetch a staged pipeline and run it, as a worker of the service would.

The pipeline is the very bytes that were staged; only its environment, a container image, becomes this process.
"""

import os
import sys
import tempfile
import traceback
import urllib.parse
import urllib.request
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.transforms import environments

import gristmill.pipelines  # noqa: F401 - Beam without its connectors
from gristmill.pipelines.runners.local.runner import LocalRunner


def staged(url: str) -> beam_runner_api_pb2.Pipeline:
    """Without a client of Google's: those have threads, and this process forks."""
    bucket, name = url.removeprefix("gs://").split("/", 1)
    address = os.environ["STORAGE_EMULATOR_HOST"]
    place = f"{address}/download/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}?alt=media"
    with urllib.request.urlopen(place) as answer:
        return beam_runner_api_pb2.Pipeline.FromString(answer.read())


def replay(pipeline: beam_runner_api_pb2.Pipeline, scratch: Path) -> str:
    """Run it on all cores of this machine."""
    here = environments.EmbeddedPythonEnvironment.default().to_runner_api(None)
    for environment in pipeline.components.environments.values():
        environment.CopyFrom(here)
    result = LocalRunner(2, scratch=scratch).run_via_runner_api(pipeline, PipelineOptions([]))
    return result.wait_until_finish()


if __name__ == "__main__":
    try:
        with tempfile.TemporaryDirectory() as folder:
            replay(staged(sys.argv[1]), Path(folder))
    except Exception:
        sys.stderr.write(traceback.format_exc())
        sys.exit(1)
