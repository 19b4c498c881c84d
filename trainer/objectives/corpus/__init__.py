"""What is learnt from the rows of texts and conversations."""
