"""Search in cases: for sightings that look like a picture, and for words that were read or that the files came with."""
