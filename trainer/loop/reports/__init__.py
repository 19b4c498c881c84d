"""What a training says of itself while it runs: metrics, speed, the terminal, traces of spikes."""
