// A run of the fit kernel: epochs, batches, optimiser steps and histories.

#pragma once

#include "fit_batch.h"
#include "fit_sample.h"
#include "optimizers.h"

namespace {

template <class T> class FitRun : Vectors<T> {
    using Vectors<T>::LANES;

    const FitProblem& problem;
    FitState& state;
    const DenseNet net;
    const FitMemory<T> memory;
    const FitBatch<T> batch;
    const FitSample<T> sample;

    OptimizerStep<T> next_step() const {
        return {problem.optimizer, problem.lr, problem.weight_decay, problem.eps, state.beta1_power,
                state.beta2_power};
    }

    // Applies the step to the parameters `from` to `to`, both multiples of LANES.
    void update(const OptimizerStep<T>& step, int from, int to) const {
        step.template apply<LANES>((to - from) / LANES, memory.w + from, memory.g + from, memory.first + from,
                                  memory.second + from);
    }

    // Takes an optimiser step with the gradient in g.
    void step() const { update(next_step(), 0, memory.padded); }

    // Computes the gradient of one sample's loss. If `pending`, a step with the gradient in g is taken meanwhile: each
    // layer is updated while the layer before it computes, because divisions and square roots use other units of the
    // processor.
    void single(int index, bool pending) const {
        if (!pending) return sample.gradient(index, [](std::size_t) {});
        const OptimizerStep<T> step = next_step();
        int updated = 0;
        sample.gradient(index, [&](std::size_t l) {
            const int end = round_up(net.layers[l].bias + net.layers[l].out, LANES);
            update(step, updated, end);
            updated = end;
        });
    }

    // Writes the loss of the whole set, if the epoch is evaluated, and its gradient norm, if it is recorded, to place `epoch`
    // of the histories.
    void record(std::int64_t epoch, bool gradient, T* prediction = nullptr) const {
        T* norm = static_cast<T*>(state.gradient_norm);
        const bool evaluated = problem.evaluated[epoch];
        if (!evaluated && !norm) return;
        const double loss = batch.loss(nullptr, problem.samples, gradient || norm, prediction);
        if (evaluated) static_cast<T*>(state.train_loss)[epoch] = T(loss);
        if (!norm) return;
        double total = 0;
        for (int p = 0; p < net.parameters; ++p) total += double(memory.g[p]) * memory.g[p];
        norm[epoch] = T(std::sqrt(total));
    }

    // Trains one epoch of minibatches, in `order`.
    void minibatches(const int32_t* order) const {
        for (int start = 0; start < problem.samples; start += problem.batch) {
            const int count = std::min(problem.batch, problem.samples - start);
            const bool pending = start > 0;  // the previous batch's step
            if (count == 1) {
                single(order[start], pending);
            } else {
                if (pending) step();
                batch.loss(order + start, count, true);
            }
        }
        step();
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
          sample(problem, net, memory) {
        copy(true);
    }

    void train(const int32_t* order, std::int64_t epochs) {
        const bool whole = problem.batch == 0;
        if (!whole && state.next_epoch == 0) record(0, false);
        for (std::int64_t e = 0; e < epochs; ++e) {
            if (whole) {
                record(state.next_epoch++, true);
                step();
            } else {
                minibatches(order);
                order += problem.samples;
                record(++state.next_epoch, false);
            }
        }
        if (state.next_epoch == problem.epochs) record(problem.epochs, false, static_cast<T*>(state.prediction));
        copy(false);
    }
};

}  // namespace
