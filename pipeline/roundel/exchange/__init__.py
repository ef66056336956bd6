"""Fingerprints that investigators give each other: hashes and times of pictures, never the pictures."""
