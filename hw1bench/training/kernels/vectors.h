// Vectors of numbers, as wide as the instruction set allows, and sums over their lanes.

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#define UNROLL _Pragma("GCC unroll 16")

// Keeps a function from being inlined: its loops would get fewer registers, which was measured up to 9 % slower.
#define NOINLINE __attribute__((noinline))

// Anonymous, because libraries for several instruction sets may be loaded at once.
namespace {

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX2__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

// Calls f with min(n, Max), for n >= Min, as a constant, so that f can unroll its loops.
template <int Max, int Min = 1, class F> inline void with_constant(int n, F&& f) {
    if constexpr (Min < Max) {
        constexpr int middle = (Min + Max) / 2;
        if (n <= middle) with_constant<middle, Min>(n, f);
        else with_constant<Max, middle + 1>(n, f);
    } else {
        f(std::integral_constant<int, Max>{});
    }
}

// The square root of a number, or of each number of a vector.
template <class N> inline N root(N n) {
    if constexpr (std::is_floating_point_v<N>) return std::sqrt(n);
    else {
        N r{};
        UNROLL for (std::size_t j = 0; j < sizeof(N) / sizeof(n[0]); ++j) r[j] = std::sqrt(n[j]);
        return r;
    }
}

// Vectors of BYTES, by default as many as the instruction set has.
template <class T, int BYTES = VECTOR_BYTES> struct Vectors {
    static constexpr int LANES = BYTES / sizeof(T);
    using Integer = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
    typedef T V __attribute__((vector_size(BYTES)));
    typedef Integer Mask __attribute__((vector_size(BYTES)));
    typedef T Unaligned __attribute__((vector_size(BYTES), aligned(alignof(T)), may_alias));

    static V splat(T value) { return V{} + value; }
    static V load(const T* p) { return *reinterpret_cast<const Unaligned*>(p); }
    static void store(T* p, V v) { *reinterpret_cast<Unaligned*>(p) = v; }

    // v, about which the compiler knows nothing. Sums that -fassociative-math may not rearrange contain one: (a + b) - b is
    // a to a compiler, and a b + a is a (b + 1).
    static V opaque(V v) {
#if defined(__SSE2__)
        asm("" : "+x"(v));
#elif defined(__aarch64__)
        asm("" : "+w"(v));
#else
        asm("" : "+m"(v));
#endif
        return v;
    }

    // Calls f(block[r][c], r, c) for all sums of a block, unrolled so that the block stays in registers.
    template <int R, int C, class F> static void each(V (&block)[R][C], F f) {
        UNROLL for (int r = 0; r < R; ++r)
            UNROLL for (int c = 0; c < C; ++c) f(block[r][c], r, c);
    }

    template <class Vector, class Lanes> static Vector shuffle(Vector a, Vector b, Lanes lanes) {
#if defined(__clang__)
        Vector r;
        UNROLL for (int j = 0; j < LANES; ++j) r[j] = lanes[j] < LANES ? a[lanes[j]] : b[lanes[j] - LANES];
        return r;
#else
        return __builtin_shuffle(a, b, lanes);
#endif
    }

    // v[i][j] becomes v[j][i]. `K`: exchanges bit K, and the higher bits, of the vector's index with those of the lane.
    template <class Vector, class Lanes, int K = 1> static void transpose(Vector (&v)[LANES]) {
        exchange<K, Vector, Lanes>(v, std::make_index_sequence<LANES>{});
        if constexpr (2 * K < LANES) transpose<Vector, Lanes, 2 * K>(v);
    }

    template <int K, class Vector, class Lanes, std::size_t... J>
    static void exchange(Vector (&v)[LANES], std::index_sequence<J...>) {
        using Index = std::decay_t<decltype(Lanes{}[0])>;
        UNROLL for (int i = 0; i < LANES; ++i)
            if (!(i & K)) {
                const Vector a = v[i], b = v[i | K];
                v[i] = shuffle(a, b, Lanes{Index(J & K ? LANES + (J ^ K) : J)...});
                v[i | K] = shuffle(a, b, Lanes{Index(J & K ? LANES + J : J ^ K)...});
            }
    }

    // ---- sums over the lanes of a vector

    // Lane j: a[j] + a[j ^ K] if bit K of j is clear, else b[j] + b[j ^ K].
    template <int K, std::size_t... J> static V fold(V a, V b, std::index_sequence<J...>) {
        return shuffle(a, b, Mask{Integer(J & K ? LANES + J : J)...}) +
               shuffle(a, b, Mask{Integer(J & K ? LANES + (J ^ K) : J ^ K)...});
    }

    // Lane j: the sum of the lanes of v[j] for j < N <= LANES, else 0. Overwrites v.
    template <int N, int K = 1> static V sums(V* v) {
        UNROLL for (int i = 0; i < (N + 1) / 2; ++i)
            v[i] = fold<K>(v[2 * i], 2 * i + 1 < N ? v[2 * i + 1] : V{}, std::make_index_sequence<LANES>{});
        if constexpr (2 * K < LANES) return sums<(N + 1) / 2, 2 * K>(v);
        return v[0];
    }

    static T sum(V v) { return sums<1>(&v)[0]; }

    // The sum of the lanes in double, for a sum over many samples, such as a loss.
    static double precise_sum(V v) {
        double total = 0;
        for (int j = 0; j < LANES; ++j) total += v[j];
        return total;
    }
};

}  // namespace
