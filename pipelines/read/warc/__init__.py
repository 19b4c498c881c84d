"""Crawl archives: compressed members, records, the pages in them."""
