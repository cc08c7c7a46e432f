"""The whole thing on this machine: sample appeals and people, a local mail server, and an inbox to look into."""
