"""The nouns of the operator: frozen structs and the tables that belong to them.

Nothing here does I/O, reads a clock or imports another package of the operator.
A word means what the README's glossary says and is used for nothing else.
"""
