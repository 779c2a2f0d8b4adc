"""From a recipe to a trained, calibrated model."""
