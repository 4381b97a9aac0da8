"""The whole feature dictionary, beside sorting the log and writing a table."""
