"""Looking at a database, at caches and at the installation."""
