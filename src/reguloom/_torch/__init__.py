"""The one trainer, its checkpoints and devices: what every learned model shares. Only here is PyTorch imported.

Importing anything below asks for PyTorch first, so that a user without it gets one sentence with the command that
installs it. A domain keeps its own modules in a folder ``_torch`` of its own and imports from these files::

    device.py      resolve_device, repeatable (threads and deterministic algorithms), seeded (initial weights)
    batches.py     shuffled batches of indices, rows of a sparse matrix as tensors
    trainer.py     Task (what a model tells the trainer), Trainer, Trained
    checkpoint.py  tensors and their state in one safetensors file; no pickle
"""

from reguloom._optional import import_optional

import_optional("torch", extra="deep")
import_optional("safetensors", extra="deep")
