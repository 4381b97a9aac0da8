"""What is asked of a model about a moment: scores, lists of them, and the reasons of one."""
