// A layer's sums of products in the image kernel: its outputs, and the deltas of its inputs.

#pragma once

#include "image_net.h"

namespace {

// Sizes of the blocks of sums that stay in registers: SUMS in all, outputs x positions, with at most POSITIONS positions.
// With 16 registers, larger blocks were measured up to 1.5 times slower, because the compiler then spills.
#if defined(__AVX512F__)
constexpr int SUMS = 24, POSITIONS = 6;
#else
constexpr int SUMS = 12, POSITIONS = 2;
#endif

template <class T> class LayerProducts : Vectors<T> {
    using typename Vectors<T>::V;
    using Vectors<T>::each, Vectors<T>::LANES, Vectors<T>::splat;

    // out[to[p] + row * out_row] = bias[row] + sum over taps of w[row * by_row + tap.weight] * in[from[p] + tap.at].
    // `spans`, if given, holds the range of taps at each position whose inputs may be nonzero.
    static void products(int rows, int positions, int taps, const T* w, std::ptrdiff_t by_row, const T* bias,
                         const Tap* tap, const V* in, const int32_t* from, V* out, const int32_t* to,
                         std::ptrdiff_t out_row, const Span* spans = nullptr) {
        for (int p = 0; p < positions; p += POSITIONS)
            with_constant<POSITIONS>(positions - p, [&](auto columns_here) {
                constexpr int C = columns_here, MOST = SUMS / C < 8 ? SUMS / C : 8;
                const V* h[C];
                UNROLL for (int c = 0; c < C; ++c) h[c] = in + from[p + c];
                Span span{0, taps};
                if (spans) {
                    span = spans[p];
                    for (int c = 1; c < C; ++c) {
                        span.first = std::min(span.first, spans[p + c].first);
                        span.end = std::max(span.end, spans[p + c].end);
                    }
                }
                for (int row = 0; row < rows; row += MOST)
                    with_constant<MOST>(rows - row, [&](auto rows_here) {
                        constexpr int R = rows_here;
                        V total[R][C];
                        each(total, [&](V& sum, int r, int) { sum = bias ? splat(bias[row + r]) : V{}; });
                        const T* weights = w + row * by_row;
                        for (int t = span.first; t < span.end; ++t) {
                            const T* weight = weights + tap[t].weight;
                            const std::ptrdiff_t at = tap[t].at;
                            V value[C];
                            UNROLL for (int c = 0; c < C; ++c) value[c] = h[c][at];
                            each(total, [&](V& sum, int r, int c) { sum += weight[r * by_row] * value[c]; });
                        }
                        each(total, [&](V& sum, int r, int c) { out[to[p + c] + (row + r) * out_row] = sum; });
                    });
            });
    }

  public:
    // Writes the layer's sums (outputs, strip) for `count` positions from `start` on.
    static void forward(const StagedNet<T>& net, const Stage<T>& stage, int start, int count) {
        products(stage.outputs, count, stage.taps, net.w + stage.weight, stage.taps, net.w + stage.bias, stage.tap,
                 stage.in, stage.from + start, net.strip_sums, net.identity, stage.strip);
    }

    // Writes the deltas of the stage below (blocks, channels, height, width), for `count` blocks from `start` on.
    static void backward(const StagedNet<T>& net, const Stage<T>& stage, V* below, int start, int count) {
        const int map = stage.height * stage.width, square = stage.kernel * stage.kernel;
        products(stage.channels, count * map, stage.outputs * square, net.w + stage.weight, square, nullptr,
                 stage.back_tap, stage.delta, stage.back_from, below + start * std::ptrdiff_t(stage.channels) * map,
                 stage.back_to, map, stage.back_span);
    }
};

}  // namespace
