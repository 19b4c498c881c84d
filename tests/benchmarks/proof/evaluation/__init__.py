"""The proof that evaluation tells what models have learnt: `make proof-evaluation`."""
