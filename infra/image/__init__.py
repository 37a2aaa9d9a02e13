"""What the runner's image is made of; see ``Dockerfile``."""
