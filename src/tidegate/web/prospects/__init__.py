"""The pages of the prospect store: the table, one prospect, lists, custom fields, and the import of CSV files."""
