"""The room that listens: HTTP on top of everything else."""
