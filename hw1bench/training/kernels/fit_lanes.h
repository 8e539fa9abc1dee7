// Training at batch size 1 in the fit kernel: a lane of a vector is a run.
//
// A single sample leaves too little work for vectors within a run. Side by side, runs do the same work on their own numbers,
// so a sum needs no fold, nothing reaches past the end of a row, and a weight is updated where its gradient is computed.

#pragma once

#include "fit_evaluation.h"
#include "optimizers.h"

namespace {

// Half of the runs of a block, so that a block has work for two threads. Square roots and divisions take most of a step, and
// processors take as long for two halves as for a wider vector.
constexpr int MOST_LANES = 4;

template <class T> constexpr int LANE_BYTES = std::min<int>(VECTOR_BYTES, MOST_LANES * sizeof(T));

template <class T> class FitLanes : Activations<T, LANE_BYTES<T>> {
    using Vector = Activations<T, LANE_BYTES<T>>;
    using typename Vector::V;
    using Vector::activate, Vector::derive;

    static constexpr int SUMS = 8;  // in registers: as many as hide the latency of an addition
    static constexpr int SIDE_BY_SIDE = 4;  // columns of a weight matrix
    static constexpr int AHEAD = 64;  // samples that are gathered at a time, so that no load waits for stores of its parts

  public:
    static constexpr int LANES = Vector::LANES;

  private:
    const FitProblem& problem;
    FitState& state;
    const DenseNet net;
    V *w, *first, *second;  // (parameters,)
    V *features, *deltas;   // of a sample: all layers but the inputs; two layers
    V *inputs, *targets;    // (AHEAD, inputs) and (AHEAD, outputs)
    int widest;             // features of the widest layer
    const Storage storage;
    const FitMemory<T> memory;  // for evaluation
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
        for (int i = 0; i < layer.in; i += SIDE_BY_SIDE)
            with_constant<SIDE_BY_SIDE>(layer.in - i, [&](auto columns_here) {
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

    // Gathers `count` samples: the next in each run's order, of which `order` is the first run's.
    void gather(const T* from, int rows, V* to, const int32_t* order, std::int64_t runs_apart, int count) const {
        for (int run = 0; run < LANES; ++run, order += runs_apart)
            for (int s = 0; s < count; ++s)
                for (int r = 0; r < rows; ++r) to[s * rows + r][run] = from[r * std::int64_t(problem.samples) + order[s]];
    }

    // Trains one epoch.
    void epoch(const int32_t* order, std::int64_t runs_apart) const {
        const int last = net.layers.back().out;
        for (int start = 0; start < problem.samples; start += AHEAD) {
            const int count = std::min(AHEAD, problem.samples - start);
            gather(static_cast<const T*>(problem.x), net.layers.front().in, inputs, order + start, runs_apart, count);
            gather(static_cast<const T*>(problem.y), last, targets, order + start, runs_apart, count);
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
        int features_of_all = 0;
        const int in = net.layers.front().in, out = net.layers.back().out;
        widest = in;
        for (const DenseLayer& layer : net.layers) {
            features_of_all += layer.out;
            widest = std::max(widest, layer.out);
        }
        for (V** flat : {&w, &first, &second}) *flat = arena.template take<V>(net.parameters);
        features = arena.template take<V>(features_of_all);
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

    // `order` (runs, epochs, samples)
    void train(const int32_t* order, std::int64_t epochs) {
        const std::int64_t runs_apart = epochs * problem.samples;
        if (state.next_epoch == 0) record(0);
        for (std::int64_t e = 0; e < epochs; ++e, order += problem.samples) {
            epoch(order, runs_apart);
            record(++state.next_epoch);
        }
        if (state.next_epoch == problem.epochs) record(problem.epochs, true);
        copy(false);
    }
};

}  // namespace
