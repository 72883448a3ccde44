// What the script returns is bound for every request.
[g: traversal().withEmbedded(graph)]
