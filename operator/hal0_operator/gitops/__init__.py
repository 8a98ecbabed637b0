"""A remote repository through the machine's own git: the real form of ``seams.git``.

Nothing of a repository is ever run or checked out: objects are read, checked against their ids, and written as a home.
Only the composition root imports this package.
"""
