// A tile of samples in the fit kernel: forward, backward and the gradient's sums.
//
// A tile is stored as features x samples, with vectors along the samples, and stays in the first-level cache. Blocks of
// sums, for several outputs and several vectors of samples, stay in registers.

#pragma once

#include "fit_net.h"

namespace {

// Operations on one layer. Rows of features are `stride` vectors apart, of which the first `vectors` hold samples.
template <class T> struct LayerTile : Activations<T> {
    using typename Activations<T>::V;
    using Activations<T>::activate, Activations<T>::derive, Activations<T>::each, Activations<T>::splat;
    using Activations<T>::tanh_of;

    int stride, vectors;

    LayerTile(int stride, int vectors) : stride(stride), vectors(vectors) {}

    // Calls finish(sums, row, column) for blocks of sums[r][c] = bias[r] + sum_k w[r * by_row + k * by_k] * in[k][c]
    template <class Finish>
    NOINLINE void products(int rows, int depth, const T* w, std::ptrdiff_t by_row, std::ptrdiff_t by_k, const T* bias,
                           const V* in, Finish finish) const {
        const std::ptrdiff_t step = stride;
        for (int column = 0; column < vectors; column += COLUMNS)
            with_constant<COLUMNS>(vectors - column, [&](auto columns_here) {
                constexpr int C = columns_here;
                for (int row = 0; row < rows; row += ROWS)
                    with_constant<ROWS>(rows - row, [&](auto rows_here) {
                        constexpr int R = rows_here;
                        V total[R][C];
                        each(total, [&](V& sum, int r, int) { sum = bias ? splat(bias[row + r]) : V{}; });
                        const T* weight = w + row * by_row;
                        const V* h = in + column;
                        for (int k = 0; k < depth; ++k, weight += by_k, h += step)
                            each(total, [&](V& sum, int r, int c) { sum += weight[r * by_row] * h[c]; });
                        finish(total, row, column);
                    });
            });
    }

    void forward(const DenseLayer& layer, const T* w, const V* in, V* out) const {
        products(layer.out, layer.in, w + layer.weight, layer.in, 1, w + layer.bias, in,
                 [&](auto& total, int row, int column) {
                     with_activation<RELU, LEAKY_RELU, LINEAR>(layer.activation, [&](auto activation) {
                         each(total, [&](V& sum, int r, int c) {
                             out[(row + r) * stride + column + c] = activate(activation, sum);
                         });
                     });
                 });
        if (layer.activation == TANH)  // in a separate pass: too much code to repeat for every block size
            for (int r = 0; r < layer.out; ++r)
                for (int c = 0; c < vectors; ++c) out[r * stride + c] = tanh_of(out[r * stride + c]);
    }

    // Writes the deltas of the layer below, whose activations are h.
    void backward(const DenseLayer& layer, Activation below, const T* w, const V* delta, const V* h, V* out) const {
        products(layer.in, layer.out, w + layer.weight, 1, layer.in, nullptr, delta,
                 [&](auto& total, int row, int column) {
                     with_activation<RELU, LEAKY_RELU, TANH>(below, [&](auto activation) {
                         each(total, [&](V& sum, int r, int c) {
                             const std::ptrdiff_t at = (row + r) * stride + column + c;
                             out[at] = derive(activation, h[at], sum);
                         });
                     });
                 });
    }

    // Adds the tile to the gradient's sums, a vector per parameter. The first tile overwrites them.
    NOINLINE void accumulate(const DenseLayer& layer, const V* delta, const V* h, V* gradient_sums,
                             bool first_tile) const {
        const std::ptrdiff_t step = stride;
        const int vectors = this->vectors;
        for (int row = 0; row < layer.out; row += ROWS)
            with_constant<ROWS>(layer.out - row, [&](auto rows_here) {
                constexpr int R = rows_here;
                const V* d = delta + row * step;
                V bias[R];
                UNROLL for (int r = 0; r < R; ++r) bias[r] = first_tile ? V{} : gradient_sums[layer.bias + row + r];
                for (int v = 0; v < vectors; ++v)
                    UNROLL for (int r = 0; r < R; ++r) bias[r] += d[r * step + v];
                UNROLL for (int r = 0; r < R; ++r) gradient_sums[layer.bias + row + r] = bias[r];
                for (int column = 0; column < layer.in; column += INPUTS)
                    with_constant<INPUTS>(layer.in - column, [&](auto columns_here) {
                        constexpr int C = columns_here;
                        const V* in = h + column * step;
                        V* to = gradient_sums + layer.weight + row * layer.in + column;
                        V total[R][C];
                        each(total, [&](V& sum, int r, int c) { sum = first_tile ? V{} : to[r * layer.in + c]; });
                        for (int v = 0; v < vectors; ++v)
                            each(total, [&](V& sum, int r, int c) { sum += d[r * step + v] * in[c * step + v]; });
                        each(total, [&](V& sum, int r, int c) { to[r * layer.in + c] = sum; });
                    });
            });
    }
};

// Operations on a narrow net, 1 -> units -> 1 with activation A, for the first `vectors` vectors of samples.
template <class T, Activation A> struct NarrowTile : Activations<T> {
    using typename Activations<T>::V;
    using Activations<T>::derive, Activations<T>::each, Activations<T>::splat;

    // Writes the output before its activation.
    NOINLINE static void forward(int units, int vectors, const T* w, const V* in, V* out) {
        const T *slope = w, *offset = slope + units, *factor = offset + units, *bias = factor + units;
        for (int column = 0; column < vectors; column += COLUMNS)
            with_constant<COLUMNS>(vectors - column, [&](auto columns_here) {
                constexpr int C = columns_here;
                V even[1][C], odd[1][C];
                const auto add = [&](V& sum, int u, int c) {
                    const V value = slope[u] * in[column + c] + offset[u];
                    sum += factor[u] * derive(A, value, value);  // equal to the activation of value
                };
                each(even, [&](V& sum, int, int) { sum = splat(*bias); });
                each(odd, [&](V& sum, int, int) { sum = V{}; });
                int u = 0;
                for (; u + 1 < units; u += 2) {
                    each(even, [&](V& sum, int, int c) { add(sum, u, c); });
                    each(odd, [&](V& sum, int, int c) { add(sum, u + 1, c); });
                }
                if (u < units) each(even, [&](V& sum, int, int c) { add(sum, u, c); });
                each(even, [&](V& sum, int, int c) { out[column + c] = sum + odd[0][c]; });
            });
    }

    // Adds the tile to the gradient's sums.
    NOINLINE static void accumulate(int units, int vectors, const T* w, const V* delta, const V* in,
                                    V* gradient_sums) {
        const T *slope = w, *offset = slope + units, *factor = offset + units;
        for (int v = 0; v < vectors; ++v) gradient_sums[3 * units] += delta[v];
        for (int unit = 0; unit < units; unit += COLUMNS)
            with_constant<COLUMNS>(units - unit, [&](auto units_here) {
                constexpr int U = units_here;
                V total[3][U]{};
                for (int v = 0; v < vectors; ++v)
                    UNROLL for (int u = 0; u < U; ++u) {
                        const V value = slope[unit + u] * in[v] + offset[unit + u];
                        const V below = derive(A, value, delta[v]);  // the factor is applied to the sums
                        total[0][u] += below * in[v];
                        total[1][u] += below;
                        total[2][u] += below * value;
                    }
                UNROLL for (int u = 0; u < U; ++u) {
                    gradient_sums[unit + u] += total[0][u] * factor[unit + u];
                    gradient_sums[units + unit + u] += total[1][u] * factor[unit + u];
                    gradient_sums[2 * units + unit + u] += total[2][u];
                }
            });
    }
};

}  // namespace
