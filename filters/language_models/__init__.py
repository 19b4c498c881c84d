"""n-gram language models: one file of hashed n-grams, of our own training, of ARPA or KenLM; perplexities by it."""
