"""The learned part of the response models. PyTorch stays below this folder; what users call is one level up."""
