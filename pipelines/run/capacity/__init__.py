"""What a run will take, in time, memory, disk and money; what it took, and what held it up."""
