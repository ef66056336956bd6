"""The detector: prepare → train → export → evaluate → card, each ``python -m training.detector.STEP``."""
