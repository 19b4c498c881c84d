"""What is found by its form: fields, titles, middle dots, blocks of contacts, the grammar of addresses."""
