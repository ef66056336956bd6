"""Footage that other videos show too: looked for in cases, proven by pictures, kept, and dated by people."""
