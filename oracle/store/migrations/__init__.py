"""The database's schema, step by step; one file for each revision, in `versions`, named NNNN_what.py."""
