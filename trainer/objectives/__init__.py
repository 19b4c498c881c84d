"""What is trained: protocol.py is the contract, every objective a file of its own, in the folder of what it reads."""
