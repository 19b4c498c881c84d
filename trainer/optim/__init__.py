"""From gradients to weights: optimisers, schedules, the guard against spikes."""
