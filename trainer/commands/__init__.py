"""The commands, one file each: they choose what is built, build it, run it. None loads torch before it runs."""
