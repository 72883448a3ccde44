"""The vault: ciphertext in, plaintext streams out; one data key per package."""
