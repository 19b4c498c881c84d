"""Who works: forked children, what becomes of them, and what they must not take with them."""
