"""One device or many: the process group, gradients summed over it, sharded weights."""
