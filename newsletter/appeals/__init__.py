"""What it is about: appeals, where they come from and how they live."""
