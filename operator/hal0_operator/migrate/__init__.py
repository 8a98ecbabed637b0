"""What brings the files of another system up to date: texts in, texts out, comments and layout kept."""
