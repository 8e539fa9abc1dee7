// The activations of a layer and their derivatives, on vectors.

#pragma once

#include "vectors.h"

namespace {

enum Activation { LINEAR, RELU, LEAKY_RELU, TANH };

constexpr double SLOPE = 0.01;  // of the leaky ReLU below zero: torch's default

template <Activation A> using constant = std::integral_constant<Activation, A>;

// Calls f with `activation`, one of the activations listed, as a constant. Any other value counts as the last one.
template <Activation First, Activation... Rest, class F> inline void with_activation(int activation, F&& f) {
    if constexpr (sizeof...(Rest) == 0) f(constant<First>{});
    else if (activation == First) f(constant<First>{});
    else with_activation<Rest...>(activation, f);
}

template <class T> struct Activations : Vectors<T> {
    using typename Vectors<T>::V;
    using typename Vectors<T>::Mask;
    using Vectors<T>::splat;

    // tanh to within a few units in the last place: e / (e + 2), with
    // e = exp(2|x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1).
    static V tanh_of(V x) {
        constexpr bool is_float = sizeof(T) == 4;
        constexpr int degree = is_float ? 7 : 13;
        constexpr T log2_e = T(1.4426950408889634), ln_2 = T(0.6931471805599453);
        constexpr T saturated = is_float ? 10 : 20;  // above this tanh rounds to 1; NaN is not above
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
        // The case n = 0 changes no value: it keeps the compiler from factoring out 2^n, which would lose digits.
        const V e = power * (p * r) + (n == 0 ? V{} : power - 1);
        const V t = e / (e + 2);
        return x < 0 ? -t : t;
    }

    static V activate(Activation activation, V x) {  // NaN fails every comparison, so it is returned unchanged
        switch (activation) {
            case RELU: return x < 0 ? V{} : x;
            case LEAKY_RELU: return x < 0 ? x * T(SLOPE) : x;
            case TANH: return tanh_of(x);
            default: return x;
        }
    }

    // delta times the activation's derivative, computed from the activation's value h.
    static V derive(Activation activation, V h, V delta) {
        switch (activation) {
            case RELU: return h <= 0 ? V{} : delta;
            case LEAKY_RELU: return h <= 0 ? delta * T(SLOPE) : delta;
            case TANH: return delta * (1 - h * h);
            default: return delta;
        }
    }
};

}  // namespace
