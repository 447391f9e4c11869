"""Revisions. Each adds to the one before: a version of the service that is running goes on with a newer schema."""
