"""Collections of digits: MNIST, the files they come in, pen strokes, and how to browse them."""
