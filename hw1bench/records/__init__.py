"""Records of training and measuring: their form, and their place on disk."""
