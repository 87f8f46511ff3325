"""E-mail service providers: their deliveries, and the words in which the prospect store takes them."""
