"""A self-hosted newsletter and urgent-alert system for solidarity campaigns."""

from importlib.metadata import version

__version__ = version("solidarity-newsletter")
