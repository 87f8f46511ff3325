"""Webhooks: who subscribed to what (`subscriptions`), how an event looks (`payloads`), how it travels (`deliveries`)."""
