"""Who it is for: subscribers, what they agreed to, what they want, and who must get no mail."""
