"""Pages that people keep and hand on: the frame of HTML, values in words, plots, Markdown."""
