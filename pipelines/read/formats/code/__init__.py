"""Code repositories: folders and archives, a file a document."""
