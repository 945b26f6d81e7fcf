"""From folds to results: who is held out, what was predicted, and what it means."""
