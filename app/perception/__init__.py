"""Perception: bytes to text layers and tracks, in a sandboxed child process."""
