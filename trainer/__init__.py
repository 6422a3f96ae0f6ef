"""The thin trainer: samples, contexts, experts and their mixture."""
