"""Images, launch files, and the trigger that starts training."""
