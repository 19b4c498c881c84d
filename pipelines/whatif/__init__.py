"""What another decision would keep of a run, from the numbers that it stored: nothing is read, nothing is written."""
