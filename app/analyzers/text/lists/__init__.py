"""Word lists of our own: closed classes and markers, each with the source of its idea."""
