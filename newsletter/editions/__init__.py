"""What a reader sees: which appeals, in which words, in what shape."""
