"""Worker kinds: which queue, which pool, what to preload; nothing else."""
