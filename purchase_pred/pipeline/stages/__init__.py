"""The bodies of the stages, one module each, and whether a log can support what they are asked for."""
