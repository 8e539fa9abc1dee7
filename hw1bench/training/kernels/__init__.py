"""The kernels: C++ code that trains small nets, a run or a few per thread.

``fit_kernel`` trains dense nets that fit functions; ``image_kernel`` trains classifiers of images. Both are in the same
compiled libraries, one per instruction set, which ``binaries`` loads.
"""
