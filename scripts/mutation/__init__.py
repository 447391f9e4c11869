"""Mutation testing: faults planted one at a time, and the tests that have to see them."""
