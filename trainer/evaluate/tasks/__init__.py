"""Tasks: a YAML file as lm-evaluation-harness has it, items in JSONL, CSV or Parquet, prompts with examples in them."""
