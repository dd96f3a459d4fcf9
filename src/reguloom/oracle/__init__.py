"""Knock a transcription factor out in silico: which way do cells move on their manifold, and how sure can one be?

Fit a prior network to the cells (:func:`fit`), simulate a perturbation (:meth:`Oracle.predict`), and hold its direction
against development (:func:`development`, :func:`perturbation_score`), for every factor at once with :func:`screen`.
"""

from reguloom.oracle.fit import fit
from reguloom.oracle.impute import impute
from reguloom.oracle.links import filter_links
from reguloom.oracle.model import Oracle
from reguloom.oracle.persistence import read_prediction, write_prediction

__all__ = ["Oracle", "filter_links", "fit", "impute", "read_prediction", "write_prediction"]
