"""Fingerprints of pictures: what is kept of a video so that it is known again."""
