// A batch in the fit kernel, tile by tile: loss, gradient and predictions.

#pragma once

#include <cstring>

#include "fit_tile.h"

namespace {

template <class T> class FitBatch : Activations<T> {
    using typename Activations<T>::Integer, typename Activations<T>::Mask, typename Activations<T>::V;
    using Activations<T>::activate, Activations<T>::derive, Activations<T>::LANES, Activations<T>::precise_sum;
    using Activations<T>::store;

    const FitProblem& problem;
    const DenseNet& net;
    const FitMemory<T>& memory;
    const T *const x, *const y;
    Mask lane;  // 0, 1, 2, ...

    static V* vectors_at(T* p) { return reinterpret_cast<V*>(p); }

    // Copies samples `start` to `start + here` of `order`, or of the set if `order` is null, row by row. Copies of the
    // last sample fill the last vector, so that a spare lane is infinite only if a real sample is.
    void gather(const T* from, int rows, T* to, const int32_t* order, int start, int here, int stride) const {
        const int filled = round_up(here, LANES);
        for (int r = 0; r < rows; ++r, from += problem.samples, to += stride * LANES) {
            if (order) for (int s = 0; s < here; ++s) to[s] = from[order[start + s]];
            else for (int s = 0; s < here; ++s) to[s] = from[start + s];
            for (int s = here; s < filled; ++s) to[s] = to[here - 1];
        }
    }

    // Runs the inputs at h through all layers. Returns the address of the outputs.
    V* forward(const LayerTile<T>& tile, V* h) const {
        if (!net.narrow) {
            for (const DenseLayer& layer : net.layers) {
                V* const out = h + layer.in * tile.stride;
                tile.forward(layer, memory.w, h, out);
                h = out;
            }
            return h;
        }
        V* const out = h + tile.stride;
        with_activation<RELU, LEAKY_RELU>(net.layers[0].activation, [&](auto activation) {
            NarrowTile<T, activation>::forward(net.layers[0].out, tile.vectors, memory.w, h, out);
        });
        for (int v = 0; v < tile.vectors; ++v) out[v] = activate(net.layers[1].activation, out[v]);
        return out;
    }

    // Adds to the gradient's sums. The outputs are at h, their deltas in `delta`.
    void backward(const LayerTile<T>& tile, const V* h, V* delta, bool first_tile) const {
        V* const gradient_sums = vectors_at(memory.partial);
        if (net.narrow) {
            if (first_tile) std::memset(memory.partial, 0, std::size_t(net.parameters) * sizeof(V));
            with_activation<RELU, LEAKY_RELU>(net.layers[0].activation, [&](auto activation) {
                NarrowTile<T, activation>::accumulate(net.layers[0].out, tile.vectors, memory.w, delta,
                                                      h - tile.stride, gradient_sums);
            });
            return;
        }
        V* below = delta + memory.widest * tile.stride;
        for (auto layer = net.layers.rbegin(); layer != net.layers.rend(); ++layer) {
            h -= layer->in * tile.stride;
            tile.accumulate(*layer, delta, h, gradient_sums, first_tile);
            if (layer->weight == 0) break;
            tile.backward(*layer, layer[1].activation, memory.w, delta, h, below);
            std::swap(delta, below);
        }
    }

    // Adds up the lanes of the gradient's sums, of which there is a vector per parameter.
    void fold_gradient() const {
        for (int p = 0; p < memory.padded; p += LANES) {
            V rows[LANES];
            UNROLL for (int j = 0; j < LANES; ++j) rows[j] = vectors_at(memory.partial)[p + j];
            store(memory.g + p, Activations<T>::template sums<LANES>(rows));
        }
    }

  public:
    FitBatch(const FitProblem& problem, const DenseNet& net, const FitMemory<T>& memory)
        : problem(problem), net(net), memory(memory), x(static_cast<const T*>(problem.x)),
          y(static_cast<const T*>(problem.y)) {
        for (int j = 0; j < LANES; ++j) lane[j] = j;
    }

    // Returns the mean loss of the samples in `order` (null: the first `count`). With `gradient`, g is its gradient.
    double loss(const int32_t* order, int count, bool gradient, T* prediction = nullptr) const {
        const DenseLayer& last = net.layers.back();
        const int stride = count < memory.capacity * LANES ? round_up(count, LANES) / LANES : memory.capacity;
        const int size = stride * LANES;
        const T scale = T(2.0 / (double(count) * last.out));
        V total{};
        for (int start = 0; start < count; start += size) {
            const int here = std::min(size, count - start);
            const LayerTile<T> tile(stride, round_up(here, LANES) / LANES);
            gather(x, net.layers.front().in, memory.activations, order, start, here, stride);
            gather(y, last.out, memory.targets, order, start, here, stride);
            const V* h = forward(tile, vectors_at(memory.activations));
            if (prediction)
                for (int r = 0; r < last.out; ++r)
                    std::memcpy(prediction + r * std::ptrdiff_t(problem.samples) + start, h + r * stride,
                                here * sizeof(T));
            V* const delta = vectors_at(memory.deltas);
            for (int r = 0; r < last.out; ++r)
                for (int v = 0; v < tile.vectors; ++v) {
                    const Mask counts = lane + v * LANES < Integer(here);
                    const V value = h[r * stride + v];
                    const V error = counts ? value - vectors_at(memory.targets)[r * stride + v] : V{};
                    total += error * error;
                    delta[r * stride + v] = derive(last.activation, value, error * scale);
                }
            if (gradient) backward(tile, h, delta, start == 0);
        }
        if (gradient) fold_gradient();
        return precise_sum(total) / (double(count) * last.out);
    }
};

}  // namespace
