"""The one trainer, its checkpoints and devices: what every learned model shares. Only here is PyTorch imported."""
