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
#else
constexpr int ROWS = 5, COLUMNS = 2, INPUTS = 2;
#endif

constexpr int MIN_TILE = 64, MAX_TILE = 256;   // samples
constexpr std::size_t TILE_BYTES = 64 * 1024;  // for activations and deltas, if MIN_TILE samples fit

// All arrays of a run, initially zero.
template <class T> class FitMemory : Vectors<T> {
    using Vectors<T>::LANES;

    std::vector<unsigned char> bytes;

  public:
    int padded;    // parameters, rounded up to whole vectors
    int widest;    // features of the widest layer that a tile holds
    int capacity;  // vectors of samples in a tile
    T *w, *first, *second, *g;          // (padded + slack,): vectors reach past the end
    T *partial;                         // (padded, LANES): the gradient's sums, a vector per parameter
    T *activations, *targets, *deltas;  // of a tile
    T *features, *feature_deltas;       // of a single sample, each layer aligned to a vector

    explicit FitMemory(const DenseNet& net) {
        const int inputs = net.layers.front().in;
        int rows = inputs, aligned_rows = round_up(inputs, LANES), slack = LANES;
        widest = inputs;
        for (const DenseLayer& layer : net.layers) {
            rows += layer.out;
            aligned_rows += round_up(layer.out, LANES);
            widest = std::max(widest, layer.out);
            slack = std::max(slack, LANES * (layer.in + 1));
        }
        if (net.narrow) rows = 2, widest = 1;
        padded = round_up(net.parameters, LANES);
        const int unit = round_up(MIN_TILE, COLUMNS * LANES) / LANES, most = MAX_TILE / LANES;
        const int fit = int(TILE_BYTES / (VECTOR_BYTES * std::size_t(rows + 2 * widest)));
        capacity = fit < unit ? unit : std::min(fit, most) / unit * unit;

        const std::size_t flat = padded + slack, tile = std::size_t(capacity) * LANES;
        const std::pair<T**, std::size_t> arrays[] = {
            {&w, flat}, {&first, flat}, {&second, flat}, {&g, flat}, {&partial, std::size_t(padded) * LANES},
            {&activations, rows * tile}, {&targets, net.layers.back().out * tile}, {&deltas, 2 * widest * tile},
            {&features, aligned_rows}, {&feature_deltas, aligned_rows}};
        const auto lay_out = [&](Arena arena) {
            for (const auto& [array, size] : arrays) *array = arena.template take<T>(size);
            return arena.size();
        };
        bytes.resize(lay_out(Arena(nullptr)) + ALIGNMENT);
        lay_out(Arena(reinterpret_cast<void*>(round_up(reinterpret_cast<std::size_t>(bytes.data()), ALIGNMENT))));
    }
};

}  // namespace
