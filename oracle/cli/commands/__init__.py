"""The commands: arguments, help and printing; the work is done below."""
