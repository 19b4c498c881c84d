"""What is trained: each objective fills rows and turns a batch into (loss sum, metrics)."""
