// Training at batch size 1 in the fit kernel: each lane of a vector is a run.
//
// A single sample leaves too little work for vectors within a run. Side by side, runs do the same to numbers of their
// own: no sum has to be folded, rows have any length, and a weight is updated where its gradient is computed.

#pragma once

#include "fit_evaluation.h"
#include "optimizers.h"

namespace {

// Half of the runs of a block, so that a block has work for two threads. A processor that splits wide vectors, or wide
// square roots and divisions, takes little longer for two halves.
constexpr int MOST_LANES = 4;

template <class T> constexpr int LANE_BYTES = std::min<int>(VECTOR_BYTES, MOST_LANES * sizeof(T));

template <class T> class FitLanes : Activations<T, LANE_BYTES<T>> {
    using Vector = Activations<T, LANE_BYTES<T>>;
    using typename Vector::V;
    using Vector::activate, Vector::derive;

    static constexpr int SUMS = 8;     // in registers: as many as hide the latency of an addition
    static constexpr int TOGETHER = 4;  // of a weight matrix, updated together
    static constexpr int AHEAD = 64;   // samples gathered at a time, so that no load waits for stores of its lanes

  public:
    static constexpr int LANES = Vector::LANES;

  private:
    const FitProblem& problem;
    FitState& state;
    const DenseNet net;
    int widest;             // features of the widest layer
    V *w, *first, *second;  // (parameters,)
    V *features, *deltas;   // of a sample: of all layers, and of two layers
    V *inputs, *targets;    // of gathered samples: (AHEAD, inputs) and (AHEAD, outputs)
    const Storage storage;
    const FitMemory<T> memory;  // of a run at a time, for evaluation
    const FitBatch<T> batch;
    const FitEvaluation<T> evaluation;

    // Writes the features of a layer.
    static void forward(const DenseLayer& layer, const V* w, const V* h, V* out) {
        const V *weight = w + layer.weight, *bias = w + layer.bias;
        for (int o = 0; o < layer.out; o += SUMS)
            with_constant<SUMS>(layer.out - o, [&](auto rows_here) {
                constexpr int R = rows_here, PARTS = SUMS / R;
                const V* row = weight + o * layer.in;
                V total[R][PARTS]{};
                UNROLL for (int r = 0; r < R; ++r) total[r][0] = bias[o + r];
                int i = 0;
                for (; i + PARTS <= layer.in; i += PARTS)
                    UNROLL for (int r = 0; r < R; ++r)
                        UNROLL for (int j = 0; j < PARTS; ++j) total[r][j] += row[r * layer.in + i + j] * h[i + j];
                for (; i < layer.in; ++i)
                    UNROLL for (int r = 0; r < R; ++r) total[r][0] += row[r * layer.in + i] * h[i];
                UNROLL for (int r = 0; r < R; ++r) {
                    V sum = total[r][0];
                    UNROLL for (int j = 1; j < PARTS; ++j) sum += total[r][j];
                    out[o + r] = activate(layer.activation, sum);
                }
            });
    }

    // Updates a layer with deltas `delta` and inputs h and, if it has a layer `below`, writes the deltas of that.
    template <class Update>
    void backward(const DenseLayer& layer, const DenseLayer* below, const V* delta, const V* h, V* out,
                  Update update) const {
        for (int i = 0; i < layer.in; i += TOGETHER)
            with_constant<TOGETHER>(layer.in - i, [&](auto columns_here) {
                constexpr int C = columns_here;
                V total[C]{}, value[C];
                UNROLL for (int c = 0; c < C; ++c) value[c] = h[i + c];
                int at = layer.weight + i;
                for (int o = 0; o < layer.out; ++o, at += layer.in)
                    UNROLL for (int c = 0; c < C; ++c) {
                        total[c] += w[at + c] * delta[o];
                        update(at + c, delta[o] * value[c]);
                    }
                if (below)
                    UNROLL for (int c = 0; c < C; ++c) out[i + c] = derive(below->activation, value[c], total[c]);
            });
        for (int o = 0; o < layer.out; ++o) update(layer.bias + o, delta[o]);
    }

    // Takes `step` with sample s of those gathered.
    template <Method M> void sample(int s, const OptimizerStep<T> step) const {
        const std::vector<DenseLayer>& layers = net.layers;
        // By value: what it holds stays in registers, because no store can change it.
        const auto update = [step, w = w, first = first, second = second](int p, V gradient) {
            V weight = w[p], m = first[p], s = second[p];
            step.template update<M>(weight, m, s, gradient);
            w[p] = weight;
            first[p] = m;
            second[p] = s;
        };
        const V* h = inputs + s * layers.front().in;
        V* out = features;
        for (const DenseLayer& layer : layers) {
            forward(layer, w, h, out);
            h = out;
            out += layer.out;
        }
        const DenseLayer& last = layers.back();
        const V* target = targets + s * last.out;
        V *delta = deltas, *next = deltas + widest;
        for (int o = 0; o < last.out; ++o)
            delta[o] = derive(last.activation, h[o], (h[o] - target[o]) * T(2.0 / last.out));
        for (std::size_t l = layers.size() - 1; l > 0; --l) {
            h -= layers[l].in;
            backward(layers[l], &layers[l - 1], delta, h, next, update);
            std::swap(delta, next);
        }
        backward(layers.front(), nullptr, delta, inputs + s * layers.front().in, next, update);
    }

    // Gathers `count` samples of each run. `order` is the first run's, and the others' are `apart`.
    void gather(const void* from, int rows, V* to, const int32_t* order, std::int64_t apart, int count) const {
        for (int run = 0; run < LANES; ++run, order += apart)
            for (int r = 0; r < rows; ++r) {
                const T* row = static_cast<const T*>(from) + r * std::int64_t(problem.samples);
                for (int s = 0; s < count; ++s) to[s * rows + r][run] = row[order[s]];
            }
    }

    // Trains one epoch.
    void epoch(const int32_t* order, std::int64_t apart) const {
        for (int start = 0; start < problem.samples; start += AHEAD, order += AHEAD) {
            const int count = std::min(AHEAD, problem.samples - start);
            gather(problem.x, net.layers.front().in, inputs, order, apart, count);
            gather(problem.y, net.layers.back().out, targets, order, apart, count);
            with_method(problem.optimizer, [&](auto method) {
                for (int s = 0; s < count; ++s) sample<method>(s, OptimizerStep<T>(problem, problem.lr, state));
            });
        }
    }

    // Writes the histories at `epoch`.
    void record(std::int64_t epoch, bool end = false) const {
        if (!evaluation.due(epoch)) return;
        for (int run = 0; run < LANES; ++run) {
            for (int p = 0; p < net.parameters; ++p) memory.w[p] = w[p][run];
            evaluation.record(run, epoch, false, end);
        }
    }

    // Copies the weights and moments into the lanes, or back.
    void copy(bool in) const {
        void* const outside[] = {state.weights, state.first, state.second};
        V* const inside[] = {w, first, second};
        for (int i = 0; i < 3; ++i)
            for (int run = 0; run < LANES; ++run)
                for (int p = 0; p < net.parameters; ++p) {
                    T& there = static_cast<T*>(outside[i])[run * std::int64_t(net.parameters) + p];
                    if (in) inside[i][p][run] = there;
                    else there = inside[i][p][run];
                }
    }

    void take(Arena& arena) {
        const int in = net.layers.front().in, out = net.layers.back().out;
        int total = 0;
        widest = in;
        for (const DenseLayer& layer : net.layers) {
            total += layer.out;
            widest = std::max(widest, layer.out);
        }
        for (V** flat : {&w, &first, &second}) *flat = arena.template take<V>(net.parameters);
        features = arena.template take<V>(total);
        deltas = arena.template take<V>(2 * widest);
        inputs = arena.template take<V>(AHEAD * in);
        targets = arena.template take<V>(AHEAD * out);
    }

  public:
    FitLanes(const FitProblem& problem, FitState& state)
        : problem(problem), state(state), net(problem), storage([&](Arena& arena) { take(arena); }), memory(net),
          batch(problem, net, memory), evaluation(problem, state, net, memory, batch) {
        copy(true);
    }

    // Trains `epochs` more epochs, in `order` (runs, epochs, samples).
    void train(const int32_t* order, std::int64_t epochs) {
        const std::int64_t apart = epochs * problem.samples;
        if (state.next_epoch == 0) record(0);
        for (std::int64_t e = 0; e < epochs; ++e, order += problem.samples) {
            epoch(order, apart);
            record(++state.next_epoch);
        }
        if (state.next_epoch == problem.epochs) record(problem.epochs, true);
        copy(false);
    }
};

}  // namespace
