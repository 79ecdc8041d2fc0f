"""A segmented control: a few choices side by side, one of them on."""
