"""Models on disk: checkpoints, where they come from, and transformers' format."""
