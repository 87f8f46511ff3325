"""A local Pipedrive that keeps state: a development tool that shares no code with Tidegate."""
