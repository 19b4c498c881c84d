"""What finds the values of a type: one class a type, in a file of its kind."""
