"""Labels that others have given to documents: numbers by a document's key, as signals."""
