// What the native kernels share: sums and functions on vectors of numbers.

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#define UNROLL _Pragma("GCC unroll 16")

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX2__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

// A member of a structure, or with an empty name the structure itself: Python mirrors them, and compares when it loads.
extern "C" {
struct Member {
    const char *structure, *name;
    char kind;  // of a member: 'p' pointer, 'f' floating point, 'i' integer; 's' structure
    int32_t offset, size;
};
}

template <class M> constexpr char KIND = std::is_pointer_v<M> ? 'p' : std::is_floating_point_v<M> ? 'f' : 'i';

#define STRUCTURE(S) {#S, "", 's', 0, int32_t(sizeof(S))}
#define MEMBER(S, m) {#S, #m, KIND<decltype(S::m)>, int32_t(offsetof(S, m)), int32_t(sizeof(S::m))}
#define NO_MORE_MEMBERS {nullptr, nullptr, 's', 0, 0}

constexpr double BETA1 = 0.9, BETA2 = 0.999, ALPHA = 0.99, SLOPE = 0.01;  // torch's defaults

enum Activation { LINEAR, RELU, LEAKY_RELU, TANH };
enum Method { SGD, ADAM, RMSPROP };

// Moments of a dead unit decay into denormal numbers, on which some processors are a hundred times slower: they count
// as zero in this thread while it trains, and only then.
class FlushDenormals {
#if defined(__SSE2__)
    unsigned saved = _mm_getcsr();

  public:
    FlushDenormals() { _mm_setcsr(saved | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(saved); }
#else
  public:
    FlushDenormals() {}
#endif
};

// Calls f with the constant min(n, Max), n >= Min.
template <int Max, int Min = 1, class F> inline void with_constant(int n, F&& f) {
    if constexpr (Min < Max) {
        constexpr int middle = (Min + Max) / 2;
        if (n <= middle) with_constant<middle, Min>(n, f);
        else with_constant<Max, middle + 1>(n, f);
    } else {
        f(std::integral_constant<int, Max>{});
    }
}

// A vector of T, and what is done with it.
template <class T> struct Vectors {
    static constexpr int LANES = VECTOR_BYTES / sizeof(T);
    using Integer = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
    typedef T V __attribute__((vector_size(VECTOR_BYTES)));
    typedef Integer Mask __attribute__((vector_size(VECTOR_BYTES)));

    static V splat(T value) { return V{} + value; }

    // ---- elementwise

    // tanh within a few units in the last place: e / (e + 2) with e = exp(2|x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1).
    static V tanh_of(V x) {
        constexpr bool is_float = sizeof(T) == 4;
        constexpr int degree = is_float ? 7 : 13;
        constexpr T log2_e = T(1.4426950408889634), ln_2 = T(0.6931471805599453);
        constexpr T saturated = is_float ? 10 : 20;  // from here on tanh rounds to 1; NaN passes the comparison
        V a = x < 0 ? -x : x;
        a = a > saturated ? splat(2 * saturated) : 2 * a;
        const Mask n = __builtin_convertvector(a * log2_e + T(0.5), Mask);
        const V r = a - __builtin_convertvector(n, V) * ln_2;
        double factorial = 1;
        UNROLL for (int k = 2; k <= degree; ++k) factorial *= k;
        V p = splat(T(1 / factorial));
        UNROLL for (int k = degree; k > 1; --k) {
            factorial /= k;
            p = p * r + T(1 / factorial);
        }
        const V power = reinterpret_cast<V>((n + (is_float ? 127 : 1023)) << (is_float ? 23 : 52));
        // The choice for n = 0 changes no value: it keeps the compiler from factoring 2^n out, which would cancel.
        const V e = power * (p * r) + (n == 0 ? V{} : power - 1);
        const V t = e / (e + 2);
        return x < 0 ? -t : t;
    }

    static V activate(Activation activation, V x) {  // comparisons that a NaN passes
        switch (activation) {
            case RELU: return x < 0 ? V{} : x;
            case LEAKY_RELU: return x < 0 ? x * T(SLOPE) : x;
            case TANH: return tanh_of(x);
            default: return x;
        }
    }

    // delta times the activation's derivative, from the activation's value h
    static V derive(Activation activation, V h, V delta) {
        switch (activation) {
            case RELU: return h <= 0 ? V{} : delta;
            case LEAKY_RELU: return h <= 0 ? delta * T(SLOPE) : delta;
            case TANH: return delta * (1 - h * h);
            default: return delta;
        }
    }

    // ---- sums over the lanes of a vector

    template <class Vector, class Lanes> static Vector shuffle(Vector a, Vector b, Lanes lanes) {
#if defined(__clang__)
        Vector r;
        UNROLL for (int j = 0; j < LANES; ++j) r[j] = lanes[j] < LANES ? a[lanes[j]] : b[lanes[j] - LANES];
        return r;
#else
        return __builtin_shuffle(a, b, lanes);
#endif
    }

    // lane j: a[j] + a[j ^ K] where bit K of j is clear, else b[j] + b[j ^ K]
    template <int K, std::size_t... J> static V fold(V a, V b, std::index_sequence<J...>) {
        return shuffle(a, b, Mask{Integer(J & K ? LANES + J : J)...}) +
               shuffle(a, b, Mask{Integer(J & K ? LANES + (J ^ K) : J ^ K)...});
    }

    // lane j: the sum of the lanes of v[j] for j < N <= LANES, else 0
    template <int N, int K = 1> static V sums(V* v) {
        UNROLL for (int i = 0; i < (N + 1) / 2; ++i)
            v[i] = fold<K>(v[2 * i], 2 * i + 1 < N ? v[2 * i + 1] : V{}, std::make_index_sequence<LANES>{});
        if constexpr (2 * K < LANES) return sums<(N + 1) / 2, 2 * K>(v);
        return v[0];
    }

    static T sum(V v) { return sums<1>(&v)[0]; }
};

// A step of the weights from their gradient, as torch.optim takes it. The powers are those of Adam's betas.
template <class T>
void optimize(int method, double learning_rate, double weight_decay, double epsilon, int parameters,
              T* __restrict weight, const T* __restrict gradient, T* __restrict first, T* __restrict second,
              double& beta1_power, double& beta2_power) {
    double rate = 0, root = 1;
    if (method == ADAM) {
        beta1_power *= BETA1;
        beta2_power *= BETA2;
        rate = learning_rate / (1 - beta1_power);
        root = 1 / std::sqrt(1 - beta2_power);
    }
    const T adam_rate = T(rate), correction = T(root);
    const T decay = T(weight_decay), lr = T(learning_rate), eps = T(epsilon);
    const auto every = [&](auto f) {
        for (int p = 0; p < parameters; ++p) f(weight[p], first[p], second[p], gradient[p] + decay * weight[p]);
    };
    if (method == SGD)
        every([&](T& w, T&, T&, T d) { w -= lr * d; });
    else if (method == RMSPROP)
        every([&](T& w, T&, T& s, T d) {
            s = s * T(ALPHA) + d * d * T(1 - ALPHA);
            w -= lr * (d / (std::sqrt(s) + eps));
        });
    else
        every([&](T& w, T& m, T& s, T d) {
            m += (d - m) * T(1 - BETA1);
            s = s * T(BETA2) + d * d * T(1 - BETA2);
            w -= adam_rate * (m / (std::sqrt(s) * correction + eps));
        });
}
