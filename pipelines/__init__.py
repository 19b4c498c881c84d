"""Recipes, planning, Beam stages, runners, ledger, report and the `gristmill` command."""
