"""The fit's matrix products on a graphics card. Only here does the vector field import PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reguloom._optional import import_optional

if TYPE_CHECKING:
    from reguloom.vectorfield._torch.features import TorchFeatures


def torch_features() -> type[TorchFeatures]:
    """Return the features that live on a device, or say what brings PyTorch.

    Raises
    ------
    MissingDependencyError
        If PyTorch is not installed.
    """
    import_optional("torch", extra="deep")
    from reguloom.vectorfield._torch.features import TorchFeatures

    return TorchFeatures
