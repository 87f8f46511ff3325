"""Pipedrive: its API (v2, and v1 where v2 has nothing), its OAuth, its limits and its webhooks. Vendor words end here."""
