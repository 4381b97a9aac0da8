"""What any stage needs and that knows none by name: files, manifests, freshness, publication, the runner."""
