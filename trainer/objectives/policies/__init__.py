"""What a policy learns from its own answers."""
