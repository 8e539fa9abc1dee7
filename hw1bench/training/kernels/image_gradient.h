// The gradient of a layer's weights in the image kernel: sums over samples and positions of delta * input.
//
// Each lane has sums of its own, over blocks and positions in their order; the lanes are then added in pairs.

#pragma once

#include "image_net.h"

namespace {

template <class T> class WeightsGradient : Vectors<T> {
    using typename Vectors<T>::Mask, typename Vectors<T>::V;
    using Vectors<T>::each, Vectors<T>::LANES, Vectors<T>::load, Vectors<T>::splat, Vectors<T>::store;

    // ---- convolutions: the lanes are samples

    // to[j] += the sum of the lanes of v[j], for j < N.
    template <int N> static void add_sums(V* v, T* to) {
        constexpr int here = N < LANES ? N : LANES;
        const V folded = Vectors<T>::template sums<here>(v);
        UNROLL for (int j = 0; j < here; ++j) to[j] += folded[j];
        if constexpr (N > LANES) add_sums<N - LANES>(v + LANES, to + LANES);
    }

    // total[r][c] += the sum over positions of delta[p * R + r] * in[from[p] + tap_at[c]].
    template <int R, int C>
    NOINLINE static void add_products(V (&total)[R][C], const V* delta, const V* in, const int32_t* tap_at,
                                      const int32_t* from, int positions) {
        V sums[R][C];
        const V* x[C];
        UNROLL for (int c = 0; c < C; ++c) x[c] = in + tap_at[c];
        each(sums, [&](V& sum, int r, int c) { sum = total[r][c]; });
        for (int p = 0; p < positions; ++p, delta += R) {
            const std::ptrdiff_t at = from[p];
            V value[R];
            UNROLL for (int r = 0; r < R; ++r) value[r] = delta[r];
            UNROLL for (int c = 0; c < C; ++c) {
                const V here = x[c][at];
                UNROLL for (int r = 0; r < R; ++r) sums[r][c] += value[r] * here;
            }
        }
        each(sums, [&](V& sum, int r, int c) { total[r][c] = sum; });
    }

    // The sums are kept as vectors from strip to strip. Their lanes are added up after the last strip. The deltas of a
    // strip are packed first, so that the loop over positions needs few registers for addresses.
    static void convolution(const StagedNet<T>& net, const Stage<T>& stage, int start_block, int blocks) {
        const int positions = blocks * stage.positions;
        for (int start = 0; start < positions; start += GRADIENT_STRIP) {
            const int count = std::min(GRADIENT_STRIP, positions - start);
            const bool opens = start == 0, closes = start + count == positions;
            const int32_t *from = stage.from + start_block * stage.positions + start, *at = stage.delta_at + start;
            V *kept = net.gradient_sums, *packed = net.packed;
            for (int row = 0; row < stage.outputs; row += GRADIENT_ROWS)
                with_constant<GRADIENT_ROWS>(stage.outputs - row, [&](auto rows_here) {
                    constexpr int R = rows_here;
                    const V* delta = stage.delta + row * std::ptrdiff_t(stage.delta_map);
                    for (int p = 0; p < count; ++p)
                        UNROLL for (int r = 0; r < R; ++r)
                            packed[p * R + r] = delta[at[p] + r * std::ptrdiff_t(stage.delta_map)];
                    for (int t = 0; t < stage.taps; t += GRADIENT_TAPS)
                        with_constant<GRADIENT_TAPS>(stage.taps - t, [&](auto taps_here) {
                            constexpr int C = taps_here;
                            V total[R][C];
                            each(total, [&](V& sum, int r, int c) { sum = opens ? V{} : kept[r * C + c]; });
                            add_products(total, packed, stage.in, stage.tap_at + t, from, count);
                            if (closes) {
                                T* to = net.g + stage.weight + row * std::ptrdiff_t(stage.taps) + t;
                                UNROLL for (int r = 0; r < R; ++r) add_sums<C>(total[r], to + r * stage.taps);
                            } else {
                                each(total, [&](V& sum, int r, int c) { kept[r * C + c] = sum; });
                            }
                            kept += R * C;
                        });
                });
        }
    }

    // ---- dense layers: a position per sample is too few for sums whose lanes are samples, so the lanes are inputs

    // Writes `blocks` blocks of the inputs of C vectors of weights, from input `first` on, to net.packed (pairs of
    // samples, blocks, 2, C).
    template <int C>
    static void pack_inputs(const StagedNet<T>& net, const Stage<T>& stage, int first, int start_block, int blocks) {
        for (int block = 0; block < blocks; ++block)
            for (int c = 0; c < C; ++c) {
                const int start = first + c * LANES, count = stage.channels - start;
                const V* in = stage.in + (start_block + block) * std::ptrdiff_t(stage.in_block) + start;
                V v[LANES];
                UNROLL for (int i = 0; i < LANES; ++i) v[i] = i < count ? in[i] : V{};
                Vectors<T>::template transpose<V, Mask>(v);
                UNROLL for (int i = 0; i < LANES; ++i)
                    net.packed[((i / 2 * blocks + block) * 2 + i % 2) * C + c] = v[i];
            }
    }

    // to[r][c] = the sum of delta[r] * in[c] over two lanes of `blocks` blocks.
    template <int R, int C>
    NOINLINE static void sum_pair(V (&to)[R][C], const T* delta, std::ptrdiff_t by_block, const V* in, int blocks) {
        V sums[2][R][C] = {};
        for (int block = 0; block < blocks; ++block, delta += by_block, in += 2 * C)
            UNROLL for (int i = 0; i < 2; ++i) {
                V x[C];
                UNROLL for (int c = 0; c < C; ++c) x[c] = in[i * C + c];
                each(sums[i], [&](V& sum, int r, int c) { sum += delta[r * LANES + i] * x[c]; });
            }
        each(to, [&](V& sum, int r, int c) { sum = sums[0][r][c] + sums[1][r][c]; });
    }

    // The same over L lanes.
    template <int L, int R, int C>
    static void sum_lanes(V (&to)[R][C], const T* delta, std::ptrdiff_t by_block, const V* in, int blocks) {
        if constexpr (L == 2) return sum_pair(to, delta, by_block, in, blocks);
        else {
            V other[R][C];
            sum_lanes<L / 2>(to, delta, by_block, in, blocks);
            sum_lanes<L / 2>(other, delta + L / 2, by_block, in + L / 2 * blocks * C, blocks);
            each(to, [&](V& sum, int r, int c) { sum += other[r][c]; });
        }
    }

    static void dense(const StagedNet<T>& net, const Stage<T>& stage, int start_block, int blocks) {
        for (int first = 0; first < stage.channels; first += DENSE_INPUTS * LANES) {
            const int inputs = std::min(DENSE_INPUTS * LANES, stage.channels - first);
            with_constant<DENSE_INPUTS>((inputs + LANES - 1) / LANES, [&](auto vectors_here) {
                constexpr int C = vectors_here;
                pack_inputs<C>(net, stage, first, start_block, blocks);
                for (int row = 0; row < stage.outputs; row += DENSE_ROWS)
                    with_constant<DENSE_ROWS>(stage.outputs - row, [&](auto rows_here) {
                        constexpr int R = rows_here;
                        V total[R][C];
                        const T* delta = reinterpret_cast<const T*>(stage.delta + row);
                        sum_lanes<LANES>(total, delta, stage.delta_block * std::ptrdiff_t(LANES), net.packed, blocks);
                        T* to = net.g + stage.weight + row * std::ptrdiff_t(stage.taps) + first;
                        for (int r = 0; r < R; ++r, to += stage.taps)
                            if (inputs == C * LANES)
                                UNROLL for (int c = 0; c < C; ++c)
                                    store(to + c * LANES, load(to + c * LANES) + total[r][c]);
                            else
                                for (int i = 0; i < inputs; ++i) to[i] += total[r][i / LANES][i % LANES];
                    });
            });
        }
    }

  public:
    // Adds to the gradient of the layer's weights, for `blocks` blocks from `start_block` on.
    static void add(const StagedNet<T>& net, const Stage<T>& stage, int start_block, int blocks) {
        if (stage.dense()) dense(net, stage, start_block, blocks);
        else convolution(net, stage, start_block, blocks);
    }
};

}  // namespace
