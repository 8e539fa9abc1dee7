// Evaluation in the fit kernel: loss and gradient norm of the whole set, and predictions at the end.

#pragma once

#include "fit_batch.h"

namespace {

// Evaluates the weights in `memory`.
template <class T> class FitEvaluation {
    const FitProblem& problem;
    const FitState& state;
    const DenseNet& net;
    const FitMemory<T>& memory;
    const FitBatch<T>& batch;

    // The array of `run`, of so many numbers; null if there are none.
    static T* of_run(void* arrays, int run, std::int64_t numbers) {
        return arrays ? static_cast<T*>(arrays) + run * numbers : nullptr;
    }

  public:
    FitEvaluation(const FitProblem& problem, const FitState& state, const DenseNet& net,
                  const FitMemory<T>& memory, const FitBatch<T>& batch)
        : problem(problem), state(state), net(net), memory(memory), batch(batch) {}

    // Whether anything is written at `epoch`.
    bool due(std::int64_t epoch) const { return problem.evaluated[epoch] || state.gradient_norm; }

    // Writes the loss of `run`, if the epoch is evaluated, and its gradient norm, if that is recorded, to place
    // `epoch` of its histories; at the end of training also its predictions. With `gradient`, g becomes the gradient.
    void record(int run, std::int64_t epoch, bool gradient, bool end = false) const {
        if (!due(epoch)) return;
        const std::int64_t places = problem.epochs + 1, outputs = net.layers.back().out;
        T* const norm = of_run(state.gradient_norm, run, places);
        T* const prediction = end ? of_run(state.prediction, run, outputs * problem.samples) : nullptr;
        const double loss = batch.loss(nullptr, problem.samples, gradient || norm, prediction);
        if (problem.evaluated[epoch]) of_run(state.train_loss, run, places)[epoch] = T(loss);
        if (!norm) return;
        double total = 0;
        for (int p = 0; p < net.parameters; ++p) total += double(memory.g[p]) * memory.g[p];
        norm[epoch] = T(std::sqrt(total));
    }
};

}  // namespace
