"""What a policy can be asked to do and how its answer is checked: the same for training and evaluation."""
