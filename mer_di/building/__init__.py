"""From a database to a cache: what is planned, rendered and written."""
