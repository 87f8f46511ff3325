"""In-memory implementations of the ports, for tests of Tidegate and of adapters others write. Nothing here is shipped in use."""
