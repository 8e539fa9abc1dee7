// The activations of a layer and their derivatives, on vectors.

#pragma once

#include <limits>

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

// (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2, as a polynomial: the largest error that it leaves in exp(r) - 1, relative to
// that, is least.
template <class T> struct Exponential;

template <> struct Exponential<float> {  // 1.3e-8
    static constexpr int terms = 5;
    static constexpr float series[terms] = {0.4999999815f, 0.1666654342f, 0.0416672008f, 0.008366547446f, 0.001388251072f};
};

template <> struct Exponential<double> {  // 2.6e-19
    static constexpr int terms = 11;
    static constexpr double series[terms] = {
        0.5000000000000000009, 0.1666666666666667656, 0.04166666666666650787, 0.008333333333321647981,
        0.001388888888896273407, 0.0001984126988608729516, 0.00002480158717198961688, 2.755724424155967501e-6,
        2.755740297192435503e-7, 2.510902851935192095e-8, 2.087527048046477532e-9};
};

template <class T, int BYTES = VECTOR_BYTES> struct Activations : Vectors<T, BYTES> {
    using typename Vectors<T, BYTES>::Integer, typename Vectors<T, BYTES>::Mask, typename Vectors<T, BYTES>::V;
    using Vectors<T, BYTES>::opaque, Vectors<T, BYTES>::splat;

    // tanh to within 2 units in the last place, in double 2.1: -q / (q + 2), where q = exp(-2|x|) - 1 = 2^n (exp(r) - 1) +
    // (2^n - 1). One sum gives q and another q + 2, because q is rounded already: their sum would cost half a unit more.
    static V tanh_of(V x) {
        constexpr bool is_float = sizeof(T) == 4;
        constexpr T log2_e = T(1.4426950408889634), ln_2 = T(0.6931471805599453);
        constexpr T saturated = is_float ? -20 : -40;  // from here tanh rounds to 1; NaN is not below
        constexpr T whole = is_float ? 0x1.8p23 : 0x1.8p52;  // a sum with it is rounded to a whole number, in the last bits
        constexpr Integer sign = std::numeric_limits<Integer>::min();
        V a = reinterpret_cast<V>(reinterpret_cast<Mask>(x + x) | sign);
        const V least = opaque(splat(saturated));  // if it is known, compilers do not see the maximum
        a = a < least ? least : a;
        const V shifted = opaque(a * log2_e + whole);
        const V r = a - (shifted - whole) * ln_2;
        V p = splat(Exponential<T>::series[Exponential<T>::terms - 1]);
        UNROLL for (int k = Exponential<T>::terms - 2; k >= 0; --k) p = p * r + Exponential<T>::series[k];
        if constexpr (is_float) p = opaque(r) + r * r * p;
        else p = opaque(r) + (r * r * p - (shifted - whole) * T(2.3190468138462996e-17));  // what ln_2 lacks
        const V power = reinterpret_cast<V>((reinterpret_cast<Mask>(shifted) << (is_float ? 23 : 52)) +
                                            reinterpret_cast<Mask>(splat(1)));
        const V t = (power * p + opaque(power - 1)) / (power * p + opaque(power + 1));
        return reinterpret_cast<V>(reinterpret_cast<Mask>(t) ^ (~reinterpret_cast<Mask>(x) & sign));
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
