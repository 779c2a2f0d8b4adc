"""Handwritten digits: from a drawing to the answer of a trained network.

Importing the package, or any of its modules, does not import TensorFlow; the functions
that need it do so when they are called.
"""
