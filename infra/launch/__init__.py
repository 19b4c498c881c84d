"""Where a training can be started: one file a launcher, which renders a spec, starts it, finds and follows it."""
