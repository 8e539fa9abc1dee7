// The histories of the fit kernel: loss and gradient norm of the whole set, and predictions at the end.

#pragma once

#include "fit_batch.h"

namespace {

// The weights in its memory are evaluated.
template <class T> class FitEvaluation {
    const FitProblem& problem;
    const FitState& state;
    const DenseNet& net;
    const FitMemory<T>& memory;
    const FitBatch<T>& batch;

    template <class A> static A* part(void* arrays, int run, std::int64_t size) {
        return arrays ? static_cast<A*>(arrays) + run * size : nullptr;
    }

  public:
    FitEvaluation(const FitProblem& problem, const FitState& state, const DenseNet& net, const FitMemory<T>& memory,
                  const FitBatch<T>& batch)
        : problem(problem), state(state), net(net), memory(memory), batch(batch) {}

    // Whether anything is written at `epoch`.
    bool due(std::int64_t epoch) const { return problem.evaluated[epoch] || state.gradient_norm; }

    // Writes the loss of `run`, if the epoch is evaluated, and its gradient norm, if that is recorded, to place `epoch` of its
    // histories; at the end of training also its predictions. With `gradient`, g becomes the gradient.
    void record(int run, std::int64_t epoch, bool gradient, bool end = false) const {
        if (!due(epoch)) return;
        T* const norm = part<T>(state.gradient_norm, run, problem.epochs + 1);
        T* const prediction = end ? part<T>(state.prediction, run, std::int64_t(net.layers.back().out) * problem.samples) : nullptr;
        const double loss = batch.loss(nullptr, problem.samples, gradient || norm, prediction);
        if (problem.evaluated[epoch]) part<T>(state.train_loss, run, problem.epochs + 1)[epoch] = T(loss);
        if (!norm) return;
        double total = 0;
        for (int p = 0; p < net.parameters; ++p) total += double(memory.g[p]) * memory.g[p];
        norm[epoch] = T(std::sqrt(total));
    }
};

}  // namespace
