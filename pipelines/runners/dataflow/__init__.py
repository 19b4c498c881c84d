"""Google Dataflow: options, access, one job, what it costs."""
