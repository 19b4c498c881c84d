"""What a text is made of: characters, words, sentences, lines, and their sizes."""
