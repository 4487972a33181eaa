"""The room that translates: bytes and text to values, and back."""
