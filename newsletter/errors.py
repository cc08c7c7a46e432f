"""The root of what the newsletter tells people is wrong."""

from subscribers.errors import Fault


class NewsletterError(Fault):
    """Something about the newsletter is wrong."""
