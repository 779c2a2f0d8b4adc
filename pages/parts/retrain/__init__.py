"""Parts of the Retrain page."""
