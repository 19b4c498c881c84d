"""All cores of one machine: Beam's FnApiRunner with forked workers, dynamic tasks, a spilled shuffle, and retries."""
