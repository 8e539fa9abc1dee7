/* Fused multiply-adds of float32 in registers, as many at a time as hide their latency: the arithmetic peak of a processor. */

#include <stdint.h>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX2__)
#define BYTES 32
#else
#define BYTES 16
#endif

enum { CHAINS = 12 };
typedef float Vector __attribute__((vector_size(BYTES)));

/* Takes `rounds` rounds of multiply-adds; returns how many numbers each round multiplied and added. */
int64_t multiply_adds(int64_t rounds, float factor, float summand, float *sum) {
    Vector chain[CHAINS], factors = {0}, summands = {0};
    factors += factor;
    summands += summand;
    for (int c = 0; c < CHAINS; ++c) chain[c] = summands + (float)c;
    for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; ++c) chain[c] = chain[c] * factors + summands;
    }
    for (int c = 0; c < CHAINS; ++c)
        for (unsigned i = 0; i < BYTES / sizeof(float); ++i) *sum += chain[c][i];
    return CHAINS * (BYTES / sizeof(float));
}
