"""A wish becomes a change set: new contents for some files of a home, judged as a whole before any is written."""
