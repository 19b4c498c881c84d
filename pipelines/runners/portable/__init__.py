"""Spark and Flink: job servers, clusters, and what goes wrong on them."""
