"""A linear chain over tokens, what it looks at and what lists say of words; its weights."""
