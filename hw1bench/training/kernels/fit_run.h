// A run of the fit kernel on the whole set at once or on minibatches: epochs, batches and optimiser steps.

#pragma once

#include "fit_evaluation.h"
#include "optimizers.h"

namespace {

template <class T> class FitRun : Vectors<T> {
    using Vectors<T>::LANES;

    const FitProblem& problem;
    FitState& state;
    const DenseNet net;
    const FitMemory<T> memory;
    const FitBatch<T> batch;
    const FitEvaluation<T> evaluation;

    // Takes an optimiser step with the gradient in g.
    void step() const {
        const OptimizerStep<T> step(problem, problem.lr, state);
        step.template apply<LANES>(memory.padded / LANES, memory.w, memory.g, memory.first, memory.second);
    }

    // Trains one epoch of minibatches, in `order`.
    void minibatches(const int32_t* order) const {
        for (int start = 0; start < problem.samples; start += problem.batch) {
            batch.loss(order + start, std::min(problem.batch, problem.samples - start), true);
            step();
        }
    }

    // Copies the weights and moments into this run's memory, or back.
    void copy(bool in) const {
        void* const outside[] = {state.weights, state.first, state.second};
        T* const inside[] = {memory.w, memory.first, memory.second};
        for (int i = 0; i < 3; ++i)
            for (int p = 0; p < net.parameters; ++p) {
                T& there = static_cast<T*>(outside[i])[p];
                if (in) inside[i][p] = there;
                else there = inside[i][p];
            }
    }

  public:
    FitRun(const FitProblem& problem, FitState& state)
        : problem(problem), state(state), net(problem), memory(net), batch(problem, net, memory),
          evaluation(problem, state, net, memory, batch) {
        copy(true);
    }

    void train(const int32_t* order, std::int64_t epochs) {
        const bool whole = problem.batch == 0;
        if (!whole && state.next_epoch == 0) evaluation.record(0, 0, false);
        for (std::int64_t e = 0; e < epochs; ++e) {
            if (whole) {
                evaluation.record(0, state.next_epoch++, true);
                step();
            } else {
                minibatches(order);
                order += problem.samples;
                evaluation.record(0, ++state.next_epoch, false);
            }
        }
        if (state.next_epoch == problem.epochs) evaluation.record(0, problem.epochs, false, true);
        copy(false);
    }
};

}  // namespace
