"""What is learnt from pairs of a better and a worse answer."""
