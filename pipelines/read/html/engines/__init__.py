"""What extracts a page's text: one file an engine, each with a function `(html, options) -> Extracted`."""
