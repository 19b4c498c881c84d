"""Commands that train on a run."""
