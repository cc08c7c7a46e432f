"""How it gets there: mailings, deliveries, and the courier that hands them over."""
