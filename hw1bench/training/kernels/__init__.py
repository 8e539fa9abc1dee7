"""The kernels: code in C++ that trains the small nets of this package, a run per thread.

``fit_kernel`` trains dense nets that fit functions; ``image_kernel`` trains classifiers of images. Both lie in the same
compiled libraries, one per instruction set, for which ``binaries`` looks.
"""
