// The fit kernel: trains one small dense net from numbers to numbers on one thread, by mean squared error.
//
// fit_problem.h   what Python passes
// fit_net.h       the layers and the memory of a run
// fit_tile.h      a tile of samples: forward, backward, sums of the gradient
// fit_batch.h     a batch, tile by tile
// fit_sample.h    a single sample, for batches of one
// fit_run.h       epochs, steps and histories
//
// Weights, gradient and moments are flat, in torch's order: layer by layer, weight (outputs, inputs) before bias.
//
// The source is compiled once per instruction set, which sets the width of a vector. Sums are taken in a fixed order,
// so a library repeats its results bit for bit; two libraries do not agree on the last bits.

#include "fit_run.h"

namespace {

template <class T> int train(const FitProblem* problem, FitState* state, const int32_t* order, std::int64_t epochs) {
    return entered([&] { FitRun<T>(*problem, *state).train(order, epochs); });
}

}  // namespace

extern "C" {

// Trains `epochs` more epochs; `order` (epochs, samples) int32 for minibatches. Returns 0, or 1 if memory ran out.
int fit_train_float32(const FitProblem* problem, FitState* state, const int32_t* order, int64_t epochs) {
    return train<float>(problem, state, order, epochs);
}

int fit_train_float64(const FitProblem* problem, FitState* state, const int32_t* order, int64_t epochs) {
    return train<double>(problem, state, order, epochs);
}

const Member* fit_members() { return FIT_MEMBERS; }
}
