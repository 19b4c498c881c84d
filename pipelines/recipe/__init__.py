"""Recipe: one YAML file that says everything about a run; typed, validated."""
