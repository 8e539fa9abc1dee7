// The part of a stage after its layer's sums: activation, dropout, max pooling, dropout; forward and backward.

#pragma once

#include "image_net.h"

namespace {

template <class T> class StagePooling : Activations<T> {
    using typename Activations<T>::Integer, typename Activations<T>::Mask, typename Activations<T>::V;
    using Activations<T>::activate, Activations<T>::derive, Activations<T>::splat, Activations<T>::sum;
    using Bytes = typename Stage<T>::Bytes;

    static V number(Bytes bytes) { return __builtin_convertvector(bytes, V); }

    // Processes `count` windows from window `start` on. Area is the stage's area, or 0 for any.
    //
    // Activations are monotonic, so the sums may be pooled before the activation: their first maximum is also the first
    // maximum of the activations. With a dropout between activation and pooling this does not hold.
    template <Activation A, int Area>
    static void pool_windows(const StagedNet<T>& net, const Stage<T>& stage, int start, int count, bool training,
                             bool dropout) {
        const int area = Area ? Area : stage.area;
        const Bytes* before = dropout && stage.before ? stage.kept_before : nullptr;
        const Bytes* after = dropout && stage.after ? stage.kept_after : nullptr;
        for (int o = 0; o < stage.outputs; ++o) {
            const V* z = net.strip_sums + o * stage.strip;
            const std::ptrdiff_t row = o * std::ptrdiff_t(net.group) * stage.windows;
            V* out = stage.out + o * std::ptrdiff_t(stage.out_map);
            for (int i = 0; i < count; ++i, z += area) {
                const std::ptrdiff_t window = row + start + i;
                V best = z[0];
                if (before) {
                    const Bytes* kept = before + window * area;
                    V kept_best = number(kept[0]), place{};
                    best = activate(A, best) * (kept_best * stage.scale_before);
                    for (int k = 1; k < area; ++k) {
                        const V keeps = number(kept[k]), value = activate(A, z[k]) * (keeps * stage.scale_before);
                        const Mask wins = (value > best) | (value != value);
                        best = wins ? value : best;
                        kept_best = wins ? keeps : kept_best;
                        place = wins ? splat(T(k)) : place;
                    }
                    place = kept_best == 0 ? splat(T(area)) : place;
                    stage.winner[window] = __builtin_convertvector(place, Bytes);
                } else {
                    if (area > 1) {
                        Mask place{};
                        UNROLL for (int k = 1; k < area; ++k) {
                            const Mask wins = (z[k] > best) | (z[k] != z[k]);
                            best = wins ? z[k] : best;
                            place = wins ? Mask{} + Integer(k) : place;
                        }
                        if (training) stage.winner[window] = __builtin_convertvector(place, Bytes);
                    }
                    best = activate(A, best);
                }
                if (after) best *= number(after[window]) * stage.scale_after;
                out[stage.to[start + i]] = best;
            }
        }
    }

    // Area is the stage's area, or 0 for any.
    template <Activation A, int Area>
    static void spread_deltas(const StagedNet<T>& net, const Stage<T>& stage, const V* above, int start, int count,
                              bool dropout) {
        const int area = Area ? Area : stage.area;
        const bool before = dropout && stage.before, after = dropout && stage.after;
        const T kept_before = before ? 1 / stage.scale_before : 1, scale = before ? stage.scale_before : 1;
        const T kept_after = after ? 1 / stage.scale_after : 1;
        for (int o = 0; o < stage.outputs; ++o) {
            V bias{};
            for (int block = start; block < start + count; ++block) {
                const V* d = above + (block * std::ptrdiff_t(stage.outputs) + o) * stage.windows;
                const std::ptrdiff_t row = (o * std::ptrdiff_t(net.group) + block) * stage.windows;
                const V* out = stage.out + o * std::ptrdiff_t(stage.out_map);
                const int32_t* to = stage.to + block * stage.windows;
                const int32_t* at = stage.delta_at + (block - start) * stage.positions;
                V* delta = stage.delta + o * std::ptrdiff_t(stage.delta_map);
                for (int i = 0; i < stage.windows; ++i, at += area) {
                    V h = out[to[i]], value = d[i];
                    if (after) {
                        h *= kept_after;
                        value *= number(stage.kept_after[row + i]) * stage.scale_after;
                    }
                    if (before) {
                        h *= kept_before;
                        value *= scale;
                    }
                    value = derive(A, h, value);
                    if (area == 1) {
                        delta[at[0]] = value;
                    } else {
                        const Mask winner = __builtin_convertvector(stage.winner[row + i], Mask);
                        UNROLL for (int k = 0; k < area; ++k) delta[at[k]] = winner == k ? value : V{};
                        if (before) value = winner < area ? value : V{};
                    }
                    bias += value;
                }
            }
            net.g[stage.bias + o] += sum(bias);
        }
    }

    // Calls f with the stage's activation and area as constants; area 0 stands for any.
    template <class F> static void with_constants_of(const Stage<T>& stage, F f) {
        with_activation<RELU, LEAKY_RELU, TANH, LINEAR>(stage.activation, [&](auto activation) {
            if (stage.area == 1) f(activation, std::integral_constant<int, 1>{});
            else if (stage.area == 4) f(activation, std::integral_constant<int, 4>{});
            else f(activation, std::integral_constant<int, 0>{});
        });
    }

  public:
    // Writes the next stage's inputs, from the layer's sums of `count` positions from `start` on. `training`: a
    // backward pass follows. `dropout`: the dropout masks apply.
    static void forward(const StagedNet<T>& net, const Stage<T>& stage, int start, int count, bool training,
                        bool dropout) {
        with_constants_of(stage, [&](auto activation, auto area) {
            pool_windows<activation, area>(net, stage, start / stage.area, count / stage.area, training, dropout);
        });
    }

    // Writes the deltas of the layer's sums, from the deltas of the stage's outputs, for `count` blocks from `start`
    // on; adds to the gradient of the biases.
    static void backward(const StagedNet<T>& net, const Stage<T>& stage, const V* above, int start, int count,
                         bool dropout) {
        with_constants_of(stage, [&](auto activation, auto area) {
            spread_deltas<activation, area>(net, stage, above, start, count, dropout);
        });
    }
};

}  // namespace
