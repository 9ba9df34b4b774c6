"""Questions about the files of a project, answered by reading them."""
