"""Other forms of the same model that make smaller circuits; each is measured against the model it came from."""
