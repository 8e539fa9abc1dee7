// The fit kernel: trains a small dense net from numbers to numbers on one thread, by mean squared error.
//
// fit_problem.h     the structures that Python passes
// fit_net.h         the layers and the memory of a run
// fit_tile.h        a tile of samples: forward, backward, sums of the gradient
// fit_batch.h       a batch, tile by tile
// fit_evaluation.h  the histories of a run
// fit_run.h         a run on the whole set or on minibatches
// fit_lanes.h       runs side by side at batch size 1, a lane each
//
// Weights, gradient and moments are flat, in torch's order: layer by layer, weight (outputs, inputs) before bias.
//
// The source is compiled once per instruction set, which sets the width of a vector. Sums have a fixed order, so a
// library repeats its results bit for bit; libraries for different instruction sets differ in the last bits.

#include "fit_lanes.h"
#include "fit_run.h"

namespace {

template <class T> int train(const FitProblem* problem, FitState* state, const int32_t* order, std::int64_t epochs) {
    return status_of([&] {
        if (problem->batch == 1) FitLanes<T>(*problem, *state).train(order, epochs);
        else FitRun<T>(*problem, *state).train(order, epochs);
    });
}

}  // namespace

extern "C" {

// Trains `epochs` more epochs; `order` (runs, epochs, samples) is used for minibatches. Returns 0, or 1 if memory runs out.
int fit_train_float32(const FitProblem* problem, FitState* state, const int32_t* order, int64_t epochs) {
    return train<float>(problem, state, order, epochs);
}

int fit_train_float64(const FitProblem* problem, FitState* state, const int32_t* order, int64_t epochs) {
    return train<double>(problem, state, order, epochs);
}

// The runs that train together at batch size 1, of numbers of so many bytes.
int fit_lanes(int bytes) { return bytes == sizeof(float) ? FitLanes<float>::LANES : FitLanes<double>::LANES; }

const Member* fit_members() { return FIT_MEMBERS; }
}
