// What a library of the kernels says of itself.

extern "C" {

// What compiled this library, and how: the compiler's name and version, and a digest of its options.
const char* build() { return __VERSION__ " " BUILD_OPTIONS; }

// The SHA-256 of the sources that this library was compiled from.
const char* source_digest() { return SOURCE_DIGEST; }

// How many of the instruction sets baseline, avx2, avx512 this processor has, each including those before.
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
