"""A part of a run, to see what the whole will take; what each number of a recipe costs."""
