"""Dumps of MediaWiki: pages-articles.xml, and wikitext as plain text."""
