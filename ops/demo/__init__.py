"""The main job told as a story on this machine; it stands above the rooms."""
