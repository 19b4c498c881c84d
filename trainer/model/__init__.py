"""The one Model: its configuration, layers, attention back ends, first values and loss."""
