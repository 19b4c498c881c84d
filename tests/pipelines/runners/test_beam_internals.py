"""What the local runner overrides, calls or stands in for in Beam, held by hash: fails loudly when it moves.

After a new version of Beam: read the difference of each named piece, see that pipelines/runners/local still does what
that piece does, run test_local.py, test_beam_validation.py and test_beam_parity.py, add the version to
`runner.TESTED`, and write the hashes that this file prints when it is run: `python <this file>`.
"""

import hashlib
import inspect
import textwrap
from collections.abc import Callable

import apache_beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.coders.coder_impl import create_InputStream
from apache_beam.metrics import monitoring_infos
from apache_beam.runners.portability.fn_api_runner import execution, fn_runner, translations, worker_handlers

from gristmill.pipelines.runners.local.runner import TESTED, LocalRunner

PIECES: dict[str, Callable] = {
    f"{piece.__module__.rsplit('.', 1)[-1]}.{piece.__qualname__}": piece
    for piece in (
        # Overridden, or called with super().
        fn_runner.FnApiRunner.__init__,
        fn_runner.FnApiRunner.run_stages,
        fn_runner.FnApiRunner._execute_bundle,
        fn_runner.FnApiRunner._run_bundle,
        fn_runner.FnApiRunner._get_bundle_manager,
        fn_runner.FnApiRunner.get_cache_token_generator,
        fn_runner.BundleManager.__init__,
        fn_runner.BundleManager.process_bundle,
        fn_runner.BundleManager._select_split_manager,
        fn_runner.BundleManager._send_input_to_worker,
        fn_runner.ProgressRequester.__enter__,  # starts a thread if it is given a frequency: ours is none
        execution.BundleContextManager.get_buffer,
        execution.BundleContextManager.get_input_coder_impl,
        execution.BundleContextManager.worker_handlers.fget,
        execution.BundleContextManager.process_bundle_descriptor.fget,
        # Stood in for.
        execution.ListBuffer,
        execution.GroupingBuffer,
        execution.split_buffer_id,
        # Reads our buffers.
        execution.FnApiRunnerExecutionContext.commit_side_inputs_to_state,
        execution.WindowGroupingBuffer,
        translations.Stage.is_stateful,
        # Runs in our workers, forked with whatever it holds.
        worker_handlers.EmbeddedWorkerHandler,
        monitoring_infos.consolidate,
    )
}
PINNED = {
    "fn_runner.FnApiRunner.__init__": "b07d3aa096f08eca",
    "fn_runner.FnApiRunner.run_stages": "766baf6d2ceb2f27",
    "fn_runner.FnApiRunner._execute_bundle": "e72f1192caac8770",
    "fn_runner.FnApiRunner._run_bundle": "0a6969e7a3102e02",
    "fn_runner.FnApiRunner._get_bundle_manager": "15d6fec91b493b6d",
    "fn_runner.FnApiRunner.get_cache_token_generator": "a8c1ffbd6b3ea28c",
    "fn_runner.BundleManager.__init__": "dc7cccb3cff8e70b",
    "fn_runner.BundleManager.process_bundle": "1867bbbe58d59134",
    "fn_runner.BundleManager._select_split_manager": "7b2fbee20faafc61",
    "fn_runner.BundleManager._send_input_to_worker": "58a5c2c0415341a7",
    "fn_runner.ProgressRequester.__enter__": "40ee240a6fef2a99",
    "execution.BundleContextManager.get_buffer": "08665de24bab167c",
    "execution.BundleContextManager.get_input_coder_impl": "17c12fd790c58dc7",
    "execution.BundleContextManager.worker_handlers": "6bda2f53ef61ea1e",
    "execution.BundleContextManager.process_bundle_descriptor": "b7995e97251a3d0e",
    "execution.ListBuffer": "1438ae88c35c5e0c",
    "execution.GroupingBuffer": "bd45e585394fcc98",
    "translations.split_buffer_id": "baa70db1d38279bb",
    "execution.FnApiRunnerExecutionContext.commit_side_inputs_to_state": "7f4df58457e1f899",
    "execution.WindowGroupingBuffer": "73f727a6068124da",
    "translations.Stage.is_stateful": "ebabdd79fd0a026c",
    "worker_handlers.EmbeddedWorkerHandler": "e7c93720642c1fc9",
    "monitoring_infos.consolidate": "ca67332f780f77ed",
}


def digest(piece: Callable) -> str:
    return hashlib.sha256(textwrap.dedent(inspect.getsource(piece)).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", PIECES)
def test_piece_of_beam__is_the_tested_one(name):
    assert digest(PIECES[name]) == PINNED[name], (
        f"{name} of Beam {apache_beam.__version__} is not the one that the local runner was tested with "
        f"({', '.join(TESTED)}): see the top of {__file__}"
    )


def test_version__is_one_that_these_hashes_were_taken_from():
    assert apache_beam.__version__.rsplit(".", 1)[0] in TESTED


def test_input_stream__tells_how_much_is_left():
    """`elements` in spill.py cuts a stream by `size()`, in the compiled module and in the plain one."""
    coder = VarIntCoder().get_impl()
    data = b"".join(map(coder.encode, (5, 70_000, 0)))
    stream = create_InputStream(data)
    sizes = [stream.size()]
    while stream.size():
        coder.decode_from_stream(stream, True)
        sizes.append(stream.size())
    assert sizes == [5, 4, 1, 0]


def test_manager__is_made_by_the_hook_that_is_overridden():
    """What run_stages creates for a stage is ours, so the hook is still the one that Beam calls."""
    made = []

    class Watching(LocalRunner):
        def _get_bundle_manager(self, context):
            made.append(type(super()._get_bundle_manager(context)).__name__)
            return super()._get_bundle_manager(context)

    with apache_beam.Pipeline(runner=Watching(1)) as pipeline:
        _ = pipeline | apache_beam.Create([1]) | apache_beam.Map(str)
    assert set(made) == {"ForkingBundleManager"}


if __name__ == "__main__":
    for name, piece in PIECES.items():
        print(f'    "{name}": "{digest(piece)}",')
