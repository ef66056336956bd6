"""Claim files and files of findings: read with places for every problem, written, described for editors."""
