"""Plumbline: a verifiable risk oracle."""

__version__ = "0.1.0"
