"""Purchase prediction from clickstreams: point-in-time features as pure functions on LazyFrames."""
