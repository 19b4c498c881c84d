"""What every command says and shows: the console, live progress, command lines that cannot be understood."""
