// The net of the fit kernel: its layers and the memory of a run.

#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "activations.h"
#include "fit_problem.h"
#include "memory.h"

namespace {

struct DenseLayer {
    int in, out;
    int weight, bias;  // offsets in the flat arrays
    Activation activation;
};

struct DenseNet {
    std::vector<DenseLayer> layers;
    int parameters = 0;
    // 1 -> units -> 1 and piecewise linear. Tiles then do not hold the units: it is faster to compute them twice.
    bool narrow;

    explicit DenseNet(const FitProblem& problem) {
        for (int l = 0; l < problem.layers; ++l) {
            const int in = problem.widths[l], out = problem.widths[l + 1];
            const bool last = l + 1 == problem.layers;
            layers.push_back({in, out, parameters, parameters + in * out,
                              Activation(last ? problem.output : problem.activation)});
            parameters += (in + 1) * out;
        }
        narrow = layers.size() == 2 && layers[0].in == 1 && layers[1].out == 1 && problem.activation != TANH;
    }
};

// Sizes of the blocks of sums that stay in registers: ROWS x COLUMNS sums, the operands of a row and a broadcast value
// fit the register file. Blocks of the gradient's sums are ROWS x INPUTS.
#if defined(__AVX512F__)
constexpr int ROWS = 5, COLUMNS = 4, INPUTS = 5;
#elif defined(__AVX2__)
constexpr int ROWS = 4, COLUMNS = 3, INPUTS = 3;
#else
constexpr int ROWS = 5, COLUMNS = 2, INPUTS = 2;
#endif

constexpr int MIN_TILE = 64, MAX_TILE = 256;   // samples
constexpr std::size_t TILE_BYTES = 64 * 1024;  // for activations and deltas, if MIN_TILE samples fit

// The arrays of a run.
template <class T> class FitMemory : Vectors<T> {
    using Vectors<T>::LANES;

  public:
    int padded;    // parameters, rounded up to whole vectors
    int widest;    // features of the widest layer that a tile holds
    int capacity;  // vectors of samples in a tile
    T *w, *first, *second, *g;          // (padded,)
    T *partial;                         // (padded, LANES): the gradient's sums, a vector per parameter
    T *activations, *targets, *deltas;  // of a tile

  private:
    const Storage storage;

  public:
    explicit FitMemory(const DenseNet& net) : storage([&](Arena& arena) { take(net, arena); }) {}

  private:
    void take(const DenseNet& net, Arena& arena) {
        const int inputs = net.layers.front().in;
        int rows = inputs;
        widest = inputs;
        for (const DenseLayer& layer : net.layers) {
            rows += layer.out;
            widest = std::max(widest, layer.out);
        }
        if (net.narrow) rows = 2, widest = 1;
        padded = round_up(net.parameters, LANES);
        const int unit = round_up(MIN_TILE, COLUMNS * LANES) / LANES, most = MAX_TILE / LANES;
        const int fit = int(TILE_BYTES / (VECTOR_BYTES * std::size_t(rows + 2 * widest)));
        capacity = fit < unit ? unit : std::min(fit, most) / unit * unit;

        const std::size_t tile = std::size_t(capacity) * LANES;
        for (T** flat : {&w, &first, &second, &g}) *flat = arena.template take<T>(padded);
        partial = arena.template take<T>(std::size_t(padded) * LANES);
        activations = arena.template take<T>(rows * tile);
        targets = arena.template take<T>(net.layers.back().out * tile);
        deltas = arena.template take<T>(2 * widest * tile);
    }
};

}  // namespace
