"""Training that starts itself when a run is good: sees manifests, checks them, starts jobs and follows them."""
