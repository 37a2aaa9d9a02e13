"""What the providers do with a change of an input: in place, or by a replacement."""
