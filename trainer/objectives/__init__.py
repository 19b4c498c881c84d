"""What is trained: protocol.py is the contract, every objective a file of its own."""
