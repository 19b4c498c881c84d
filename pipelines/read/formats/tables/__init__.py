"""Tables: Parquet, Arrow, CSV; their columns as records."""
