"""How the shipped weights were made and measured. Not in the wheel; may import torch and ultralytics."""
