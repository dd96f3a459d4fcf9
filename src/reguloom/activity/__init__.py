"""Activity of regulons: AUCell scores, on/off calls, specificity for groups, differences between groups."""

from reguloom.activity.aucell import aucell, aucell_frame
from reguloom.activity.binarize import binarize, binarize_frame, find_thresholds
from reguloom.activity.csi import csi, csi_modules
from reguloom.activity.differential import differential, differential_frame
from reguloom.activity.explore import explore_thresholds
from reguloom.activity.specificity import group_zscores, rss, specificity
from reguloom.activity.threshold import derive_auc_threshold

__all__ = [
    "aucell",
    "aucell_frame",
    "binarize",
    "binarize_frame",
    "csi",
    "csi_modules",
    "derive_auc_threshold",
    "differential",
    "differential_frame",
    "explore_thresholds",
    "find_thresholds",
    "group_zscores",
    "rss",
    "specificity",
]
