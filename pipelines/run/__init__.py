"""What a run is and does: planned, keyed, executed, published."""
