"""A training as a process with a folder: the queue, the folder, what is known of its progress."""
