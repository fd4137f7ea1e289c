"""Runs plans of statistics: exact whole numbers with bounded contributions, then noise."""
