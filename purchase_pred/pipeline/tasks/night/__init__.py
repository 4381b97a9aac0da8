"""The night: what was delivered is appended, and who will buy is known in the morning."""
