"""`train`: one file for each kind of stage."""
