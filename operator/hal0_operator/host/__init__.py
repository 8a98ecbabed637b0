"""The machine itself: files, clocks, processes, device nodes, ports and HTTP probes.

These are the real forms of ``seams``.  Only the composition root imports this package.
"""
