"""A local stand-in for Pipedrive: its REST API v1 and v2, OAuth, limits and webhooks, with state in one SQLite file.

It is a development tool and an independent witness: it imports nothing of the programs that are tried against it.
"""
