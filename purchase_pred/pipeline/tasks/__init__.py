"""Questions to a finished workspace: they read what stages wrote, and answer."""
