"""The pipeline: stages that read and write a workspace, and the runner that knows which of them are due."""
