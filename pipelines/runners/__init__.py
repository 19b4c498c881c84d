"""Where a pipeline runs: names on the command line -> Beam runner and options."""
