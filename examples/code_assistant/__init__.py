"""Questions about the files of a project, answered by a worker that only reads."""
