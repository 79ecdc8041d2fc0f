"""The loaded halves of backends, and their files. Networks are imported only where the work is done."""
