"""From tensors to a trained network."""
