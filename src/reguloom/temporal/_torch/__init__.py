"""The variational recurrent network of gene courses. Only here does this stage import PyTorch.

Files: ``vrnn.py`` (the network), ``course.py`` (data as tensors, likelihoods), ``fit.py`` (training, and what the rest
of the stage asks of a trained network), ``original.py`` (the network as VRNN_Gene_Clustering describes it).
"""

from reguloom._optional import import_optional

import_optional("torch", extra="deep")
import_optional("safetensors", extra="deep")
