"""Response to perturbations that nobody tried yet: learned models, always beside the baselines that cost nothing."""
