"""Feature rows on their way to a learner: keys, samples, blocks and the one matrix."""
