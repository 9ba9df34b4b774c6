"""The contestants beside ours, one file each."""
