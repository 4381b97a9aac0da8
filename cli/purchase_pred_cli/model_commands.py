"""Commands about trained models: evaluate and score."""

COMMANDS = ()
