"""What differs between pretraining and the stages after it; the checkpoint that these begin with."""
