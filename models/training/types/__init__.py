"""The type network: prepare → train → export → calibrate → gallery → evaluate → card.

Each step is ``python -m training.types.STEP models/training/types.toml``.
"""
