"""Pure decisions: no Django, no HTTP, no clock, no randomness."""
