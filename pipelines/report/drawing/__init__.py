"""The page: templates, charts, colours. Numbers come in, HTML goes out."""
