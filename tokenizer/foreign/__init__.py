"""Tokenizers that others trained: what their files say, and text into their ids."""
