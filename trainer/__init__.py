"""A compact PyTorch trainer that reads token shards alone: no Beam, no pydantic."""
