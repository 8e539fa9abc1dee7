// Facts about a compiled library of the kernels.

extern "C" {

// The name and version of the compiler of this library, and a digest of its options.
const char* build() { return __VERSION__ " " BUILD_OPTIONS; }

// The SHA-256 of the sources that this library was compiled from.
const char* source_digest() { return SOURCE_DIGEST; }

// How many of the instruction sets baseline, avx2, avx512, in this order, the processor has.
int instruction_sets() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 1;
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    return wide ? 3 : 2;
#else
    return 1;
#endif
}
}
