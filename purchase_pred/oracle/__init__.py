"""What the simulator's hidden state says: P(label | latent state at T), an upper bound for any model of the log."""

from purchase_pred.oracle.probability import true_probability

__all__ = ["true_probability"]
