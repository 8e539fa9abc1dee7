// A layer's sums of products in the image kernel: its outputs, and the deltas of its inputs.

#pragma once

#include "image_net.h"

namespace {

// Sizes of the blocks of sums that stay in registers: SUMS in all, outputs x positions, with at most POSITIONS
// positions, or MOST_POSITIONS for FEW_ROWS outputs or fewer. With 16 registers, larger blocks were measured up to 1.5
// times slower, because the compiler then spills.
#if defined(__AVX512F__)
constexpr int SUMS = 24, POSITIONS = 6, FEW_ROWS = 2, MOST_POSITIONS = 8;
#else
constexpr int SUMS = 12, POSITIONS = 2, FEW_ROWS = 2, MOST_POSITIONS = 4;
#endif

template <class T> class LayerProducts : Vectors<T> {
    using typename Vectors<T>::V;
    using Vectors<T>::each, Vectors<T>::LANES, Vectors<T>::splat;

    // out[to + r * out_row] = bias[r] + sum over taps of w[r * by_row + tap.weight] * in[from + tap.at], at C places
    // with the same taps.
    template <int R, int C>
    NOINLINE static void sum(const Place* place, const Tap* tap, const T* w, std::ptrdiff_t by_row, const T* bias,
                             const V* in, V* out, std::ptrdiff_t out_row) {
        V total[R][C];
        const V* h[C];
        UNROLL for (int c = 0; c < C; ++c) h[c] = in + place[c].from;
        each(total, [&](V& sum, int r, int) { sum = bias ? splat(bias[r]) : V{}; });
        const Tap* const end = tap + place->taps.end;
        for (tap += place->taps.first; tap < end; ++tap) {
            const T* weight = w + tap->weight;
            const std::ptrdiff_t at = tap->at;
            V value[C];
            UNROLL for (int c = 0; c < C; ++c) value[c] = h[c][at];
            each(total, [&](V& sum, int r, int c) { sum += weight[r * by_row] * value[c]; });
        }
        each(total, [&](V& sum, int r, int c) { out[place[c].to + r * out_row] = sum; });
    }

    // The same for all rows, at `places` places.
    static void sums(int rows, int places, const Place* place, const Tap* tap, const T* w, std::ptrdiff_t by_row,
                     const T* bias, const V* in, V* out, std::ptrdiff_t out_row) {
        const int most = rows > FEW_ROWS ? POSITIONS : MOST_POSITIONS;
        for (const Place* const end = place + places; place < end;) {
            int same = 1;
            while (same < most && place + same < end && place[same].taps == place->taps) ++same;
            with_constant<MOST_POSITIONS>(same, [&](auto columns_here) {
                constexpr int C = columns_here, MOST = SUMS / C < 8 ? SUMS / C : 8;
                for (int row = 0, parts = (rows + MOST - 1) / MOST; row < rows; --parts) {
                    const int here = (rows - row + parts - 1) / parts;
                    with_constant<MOST>(here, [&](auto rows_here) {
                        sum<rows_here, C>(place, tap, w + row * by_row, by_row, bias ? bias + row : nullptr, in,
                                          out + row * out_row, out_row);
                    });
                    row += here;
                }
            });
            place += same;
        }
    }

  public:
    // Writes the layer's sums (outputs, strip) at the strip of positions from `start` on: of a smaller group also at
    // positions of the blocks that it lacks, because a strip is not in the order of positions.
    static void forward(const StagedNet<T>& net, const Stage<T>& stage, int start) {
        const int count = std::min(stage.strip, net.group * stage.positions - start);
        sums(stage.outputs, count, stage.place + start, stage.tap, net.w + stage.weight, stage.taps, net.w + stage.bias,
             stage.in, net.strip_sums, stage.strip);
    }

    // Writes the deltas of the stage below (blocks, channels, height, width), for `count` blocks from `start` on.
    static void backward(const StagedNet<T>& net, const Stage<T>& stage, V* below, int start, int count) {
        const int map = stage.height * stage.width, square = stage.kernel * stage.kernel;
        for (int block = 0; block < count; block += stage.back_blocks) {
            const int here = std::min(stage.back_blocks, count - block);
            sums(stage.channels, here * map, stage.back_place + stage.back_places(here), stage.back_tap,
                 net.w + stage.weight, square, nullptr, stage.delta + block * std::ptrdiff_t(stage.delta_block),
                 below + (start + block) * std::ptrdiff_t(stage.channels) * map, map);
        }
    }
};

}  // namespace
