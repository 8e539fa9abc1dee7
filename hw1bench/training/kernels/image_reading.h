// Reading of a group of samples by the image kernel: images, augmented or not, and dropout masks, stored sample by
// sample, become vectors whose lanes are samples.

#pragma once

#include <algorithm>

#include "image_net.h"

namespace {

constexpr int MARGIN = 4;  // padding of the augmentation

template <class T> class GroupReader : Vectors<T> {
    using typename Vectors<T>::Mask, typename Vectors<T>::V;
    using Vectors<T>::LANES;
    using Bytes = typename Stage<T>::Bytes;

    const StagedNet<T>& net;

    // to[p][lane] = from[lane][p], for p < count.
    template <class Vector, class Lanes, class A>
    static void transpose(const A* const (&from)[LANES], int count, A* to) {
        typedef A Unaligned __attribute__((vector_size(sizeof(Vector)), aligned(alignof(A)), may_alias));
        int p = 0;
        for (; p + LANES <= count; p += LANES) {
            Vector v[LANES];
            UNROLL for (int i = 0; i < LANES; ++i) v[i] = *reinterpret_cast<const Unaligned*>(from[i] + p);
            Vectors<T>::template transpose<Vector, Lanes>(v);
            UNROLL for (int i = 0; i < LANES; ++i) *reinterpret_cast<Unaligned*>(to + (p + i) * LANES) = v[i];
        }
        for (; p < count; ++p)
            for (int i = 0; i < LANES; ++i) to[p * LANES + i] = from[i][p];
    }

    // The pixel, of `size`, for an index past its ends, by reflection without repeating the end pixel.
    static int reflected(int index, int size) {
        if (index < 0) index = -index;
        return index < size ? index : 2 * (size - 1) - index;
    }

    // to[x] = from[x + left], by reflection past the ends; if `flip`, from right to left.
    static void shift(const T* from, int width, int left, bool flip, T* to) {
        const int first = std::max(-left, 0), end = std::min(width - left, width);  // within the row
        const auto past = [&](int x) { to[flip ? width - 1 - x : x] = from[reflected(x + left, width)]; };
        for (int x = 0; x < first; ++x) past(x);
        if (flip) std::reverse_copy(from + first + left, from + end + left, to + width - end);
        else std::copy(from + first + left, from + end + left, to + first);
        for (int x = end; x < width; ++x) past(x);
    }

  public:
    explicit GroupReader(const StagedNet<T>& net) : net(net) {}

    // Writes images `first` to `first + samples` of the batch, or of the set if there is no piece, to the first stage's
    // inputs. Spare lanes repeat the last image, so that they hold no other values than real lanes.
    void images(const ImageSamples& set, const ImagePiece* piece, int first, int samples) const {
        const Stage<T>& stage = net.stages.front();
        const ImageProblem& problem = net.problem;
        const int height = problem.height, width = problem.width, size = problem.channels * height * width;
        const int padding = stage.padding, line = width + 2 * padding, map = (height + 2 * padding) * line;
        const bool moved = piece && piece->top;
        for (int block = 0; block < net.blocks_of(samples); ++block) {
            const T *image[LANES], *row[LANES];
            int place[LANES];
            for (int i = 0; i < LANES; ++i) {
                place[i] = first + std::min(block * LANES + i, samples - 1);
                const std::ptrdiff_t index = piece ? piece->order[place[i]] : place[i];
                image[i] = row[i] = static_cast<const T*>(set.x) + index * size;
            }
            T* to = reinterpret_cast<T*>(stage.in + block * std::ptrdiff_t(stage.in_block));
            if (!moved && !padding) {
                transpose<V, Mask>(row, size, to);
                continue;
            }
            for (int c = 0; c < problem.channels; ++c)
                for (int y = 0; y < height; ++y) {
                    for (int i = 0; i < LANES; ++i) {
                        const int from = moved ? reflected(y + piece->top[place[i]] - MARGIN, height) : y;
                        row[i] = image[i] + (c * height + from) * width;
                        if (!moved) continue;
                        T* const changed = net.pixels + i * width;
                        shift(row[i], width, piece->left[place[i]] - MARGIN, piece->flip[place[i]], changed);
                        row[i] = changed;
                    }
                    transpose<V, Mask>(row, width, to + LANES * (c * map + (y + padding) * line + padding));
                }
        }
    }

    // Reads the group's part of the dropout masks of the batch.
    void kept(const ImagePiece& piece, int first, int samples) const {
        const uint8_t* drawn = piece.kept;
        for (const Stage<T>& stage : net.stages)
            for (const bool before : {true, false}) {
                const int kind = before ? stage.before : stage.after;
                if (kind == NO_DROPOUT) continue;
                const int size = stage.drawn(before), area = before ? stage.area : 1, count = stage.windows * area;
                uint8_t* const kept = reinterpret_cast<uint8_t*>(before ? stage.kept_before : stage.kept_after);
                const int side = stage.pool, wide = stage.width + stage.side();
                const int map = size / stage.outputs;
                for (int block = 0; block < net.blocks_of(samples); ++block)
                    for (int o = 0; o < stage.outputs; ++o) {
                        const uint8_t* from[LANES];
                        for (int i = 0; i < LANES; ++i) {
                            const std::ptrdiff_t sample = first + std::min(block * LANES + i, samples - 1);
                            from[i] = drawn + sample * size + o * map;
                        }
                        uint8_t* to = kept + LANES * (o * std::ptrdiff_t(net.group) + block) * count;
                        if (kind == OF_NUMBERS && !before) {
                            transpose<Bytes, Bytes>(from, count, to);
                            continue;
                        }
                        for (int p = 0; p < count; ++p) {
                            const int window = p / area;
                            const int x = window % stage.pooled_width, y = window / stage.pooled_width;
                            const int at = (y * side + p % area / side) * wide + x * side + p % side;
                            for (int i = 0; i < LANES; ++i) *to++ = from[i][kind == OF_MAPS ? 0 : at];
                        }
                    }
                drawn += piece.batch * std::ptrdiff_t(size);
            }
    }
};

}  // namespace
