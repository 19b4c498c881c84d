"""What moves through a run and is counted: units, batches, dead letters, receipts, accounts. Knows no storage."""
