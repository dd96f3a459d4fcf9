"""What is fetched: motif rankings, motif annotations and TF lists, checked and kept in an offline cache."""

from reguloom.resources.cache import cache_dir
from reguloom.resources.fetch import fetch, fetch_set, verify, where
from reguloom.resources.registry import Resource, list_resources, registry, select

__all__ = ["Resource", "cache_dir", "fetch", "fetch_set", "list_resources", "registry", "select", "verify", "where"]
