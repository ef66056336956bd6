"""Claims: a statement about footage, taken apart and held against footage, catalogue and human findings."""
