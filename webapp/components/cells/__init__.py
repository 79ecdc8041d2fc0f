"""A row of cells for the chunks of a job: what is done, what runs, what waits."""
