"""What stands beside an article: phrases by family, and the lines and ends of lines that they cut."""
