// A single sample in the fit kernel, for batch size 1: vectors run along the features, without tiles.
//
// A vector may reach past the end of a row: what it reads there is multiplied by the zeros that follow every layer's
// features and deltas.

#pragma once

#include "fit_net.h"

namespace {

template <class T> class FitSample : Activations<T> {
    using typename Activations<T>::Integer, typename Activations<T>::Mask, typename Activations<T>::V;
    using Activations<T>::activate, Activations<T>::derive, Activations<T>::LANES, Activations<T>::load;
    using Activations<T>::store;

    const FitProblem& problem;
    const DenseNet& net;
    const FitMemory<T>& memory;
    const T *const x, *const y;
    Mask lane;  // 0, 1, 2, ...

    // Lane 0: the sum of a[i] * b[i]; other lanes: 0. Four sums in parallel, because each addition depends on the last.
    static V dot(const T* a, const T* b, int count) {
        V total[4]{};
        int i = 0;
        for (; i + 3 * LANES < count; i += 4 * LANES)
            UNROLL for (int j = 0; j < 4; ++j) total[j] += load(a + i + j * LANES) * load(b + i + j * LANES);
        for (; i < count; i += LANES) total[0] += load(a + i) * load(b + i);
        V all = (total[0] + total[1]) + (total[2] + total[3]);
        return Activations<T>::template sums<1>(&all);
    }

    V first_lanes(int count, V v) const { return lane < Integer(count) ? v : V{}; }

    void forward(const DenseLayer& layer, const T* h, T* out) const {
        const T *weight = memory.w + layer.weight, *bias = memory.w + layer.bias;
        const auto finish = [&](int o, V total) {
            store(out + o, first_lanes(layer.out - o, activate(layer.activation, total + load(bias + o))));
        };
        if (layer.in == 1)
            for (int o = 0; o < layer.out; o += LANES) finish(o, load(weight + o) * h[0]);
        else if (layer.out == 1)
            finish(0, dot(weight, h, layer.in));
        else
            for (int o = 0; o < layer.out; o += LANES, weight += LANES * layer.in)
                with_constant<LANES>(layer.out - o, [&](auto rows_here) {
                    constexpr int R = rows_here;
                    V rows[R];
                    const V start = load(h);
                    UNROLL for (int r = 0; r < R; ++r) rows[r] = load(weight + r * layer.in) * start;
                    for (int i = LANES; i < layer.in; i += LANES) {
                        const V value = load(h + i);
                        UNROLL for (int r = 0; r < R; ++r) rows[r] += load(weight + r * layer.in + i) * value;
                    }
                    finish(o, Activations<T>::template sums<R>(rows));
                });
    }

    // Writes the deltas of the layer below, whose features are h.
    void backward(const DenseLayer& layer, Activation below, const T* delta, const T* h, T* out) const {
        const T* weight = memory.w + layer.weight;
        const auto finish = [&](int i, V total) {
            store(out + i, first_lanes(layer.in - i, derive(below, load(h + i), total)));
        };
        if (layer.in == 1) return finish(0, dot(weight, delta, layer.out));
        for (int i = 0; i < layer.in; i += LANES, weight += LANES) {
            V even{}, odd{};
            const T* row = weight;
            int o = 0;
            for (; o + 1 < layer.out; o += 2, row += 2 * layer.in) {
                even += delta[o] * load(row);
                odd += delta[o + 1] * load(row + layer.in);
            }
            if (o < layer.out) even += delta[o] * load(row);
            finish(i, even + odd);
        }
    }

    // Writes the layer's gradient, also past its end: layers are written in ascending order, and the arrays have slack.
    void outer(const DenseLayer& layer, const T* delta, const T* h) const {
        T* to = memory.g + layer.weight;
        if (layer.in == 1) {
            for (int o = 0; o < layer.out; o += LANES) store(to + o, load(delta + o) * h[0]);
        } else if (layer.in <= LANES) {
            const V value = load(h);
            for (int o = 0; o < layer.out; ++o, to += layer.in) store(to, delta[o] * value);
        } else {
            for (int o = 0; o < layer.out; ++o, to += layer.in)
                for (int i = 0; i < layer.in; i += LANES) store(to + i, delta[o] * load(h + i));
        }
        for (int o = 0; o < layer.out; o += LANES) store(memory.g + layer.bias + o, load(delta + o));
    }

  public:
    FitSample(const FitProblem& problem, const DenseNet& net, const FitMemory<T>& memory)
        : problem(problem), net(net), memory(memory), x(static_cast<const T*>(problem.x)),
          y(static_cast<const T*>(problem.y)) {
        for (int j = 0; j < LANES; ++j) lane[j] = j;
    }

    // Writes the gradient of one sample's loss to g. `ready(l)` is called before layer l is needed, one layer ahead, so
    // that its work overlaps with the layer before.
    template <class Ready> void gradient(int sample, Ready ready) const {
        const std::vector<DenseLayer>& layers = net.layers;
        ready(0);
        T* h = memory.features;
        for (int i = 0; i < layers.front().in; ++i) h[i] = x[i * std::ptrdiff_t(problem.samples) + sample];
        for (std::size_t l = 0; l < layers.size(); ++l) {
            if (l + 1 < layers.size()) ready(l + 1);
            T* out = h + round_up(layers[l].in, LANES);
            forward(layers[l], h, out);
            h = out;
        }
        const int outputs = layers.back().out;
        T* delta = memory.feature_deltas + (h - memory.features);
        for (int o = 0; o < outputs; o += LANES) {
            V target{};
            for (int j = 0; j < LANES && o + j < outputs; ++j)
                target[j] = y[(o + j) * std::ptrdiff_t(problem.samples) + sample];
            const V value = load(h + o);
            store(delta + o, derive(layers.back().activation, value, (value - target) * T(2.0 / outputs)));
        }
        for (std::size_t l = layers.size() - 1; l > 0; --l) {
            T* below = delta - round_up(layers[l].in, LANES);
            h -= round_up(layers[l].in, LANES);
            backward(layers[l], layers[l - 1].activation, delta, h, below);
            delta = below;
        }
        h = memory.features;
        for (const DenseLayer& layer : layers) {
            outer(layer, delta, h);
            h += round_up(layer.in, LANES);
            delta += round_up(layer.out, LANES);
        }
    }
};

}  // namespace
