"""Tidegate keeps an e-mail outreach app and Pipedrive in step."""

__version__ = "0.1.0"
