"""What a model's answers tell: figures, reports, robustness, explanations, neighbours."""
