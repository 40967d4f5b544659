"""One module for each step. After its release a step is never edited: files were made by it."""
