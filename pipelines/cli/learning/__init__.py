"""Commands that train what decides about texts."""
