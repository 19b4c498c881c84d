"""Recipes, planning, Beam stages, runners, ledger, report and the `gristmill` command."""

import gristmill.pipelines.processes.lean_arrow
import gristmill.pipelines.processes.lean_beam  # noqa: F401 - before anything here imports Arrow or Beam
