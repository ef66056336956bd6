"""The fingerprints of whole cases on disk, searched together."""
