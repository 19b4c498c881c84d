"""Programs that a model wrote are run where they can do nothing but calculate."""
