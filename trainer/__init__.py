"""A compact PyTorch trainer that reads token shards. No Beam; runs on torch, numpy, numba, pyarrow, sentencepiece alone."""
