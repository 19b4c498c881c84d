"""What goes into a run: units, first records, names that no record has, addresses that workers can read."""
