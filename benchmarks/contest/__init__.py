"""Ours and its peers in one run: what they compute, how long they take, how often they err."""
