"""From an admitted slot to its launch inputs, and from those to needs, a container and its probe."""
