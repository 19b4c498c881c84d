"""What a model can do: validation loss by source, and generation."""
