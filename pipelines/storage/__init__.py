"""Where a run lies: on a disk or an object store, each file whole or not at all."""
