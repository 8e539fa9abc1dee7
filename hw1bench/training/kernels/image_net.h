// The net of the image kernel: its stages, their tables of offsets and the memory of a run.
//
// Offsets are in vectors. A stage's positions are its layer's output positions, without the remainder that pooling
// drops: block by block, window by window, and row by row inside a window.

#pragma once

#include <algorithm>
#include <vector>

#include "activations.h"
#include "image_problem.h"
#include "memory.h"

namespace {

enum DropoutKind { NO_DROPOUT, OF_NUMBERS, OF_MAPS };

// A term of a sum: the offset of its input from the position, and of its weight from the output's first weight.
struct Tap {
    int32_t at, weight;
};

// A range of taps.
struct Span {
    int32_t first, end;
};

constexpr int STRIP = 48;                       // minimum number of positions that pass through a layer at a time
constexpr int GRADIENT_STRIP = 144;             // positions that the gradient of weights takes at a time
constexpr std::size_t GROUP_BYTES = 2 << 20;    // for the activations of a group of blocks
constexpr std::size_t DELTA_BYTES = 256 << 10;  // for the deltas of `delta_blocks` blocks

// Sizes of the blocks of sums that stay in registers for the gradient of weights: of a convolution GRADIENT_ROWS outputs x
// GRADIENT_TAPS taps; of a dense layer, for two samples, DENSE_ROWS outputs x DENSE_INPUTS vectors of inputs.
#if defined(__AVX512F__)
constexpr int GRADIENT_ROWS = 4, GRADIENT_TAPS = 6, DENSE_ROWS = 6, DENSE_INPUTS = 2;
#else
constexpr int GRADIENT_ROWS = 3, GRADIENT_TAPS = 3, DENSE_ROWS = 3, DENSE_INPUTS = 2;
#endif

template <class T> struct Stage : ImageStage {
    using V = typename Vectors<T>::V;
    typedef uint8_t Bytes __attribute__((vector_size(Vectors<T>::LANES)));  // a byte per lane

    // Sizes.
    int pooled_height, pooled_width, windows, positions, area;  // of a block: positions = windows * area
    int weight, bias, taps;                                     // `weight`, `bias`: offsets in the flat arrays
    int strip;
    T scale_before, scale_after;  // 1 / (1 - p)
    int in_map, in_block, padded_width, out_map;
    int delta_blocks, delta_map, delta_block;  // deltas are stored for `delta_blocks` blocks at a time

    // Forward: inputs (blocks, channels, padded height, padded width); `from` (positions,) and `to` (windows,) of all
    // blocks. `out` is the array of the next stage's inputs, with maps `out_map` apart.
    V *in, *out;
    int32_t *from, *to;
    Tap* tap;
    Bytes *kept_before, *kept_after;  // (outputs, positions or windows of all blocks)
    Bytes* winner;                    // (outputs, windows of all blocks): index in the window; `area` if it was dropped

    // Backward: the layer's deltas (blocks, outputs, height, width), each map with a margin of zeros.
    V* delta;
    int32_t* delta_at;             // (positions,) of these blocks
    int32_t *back_from, *back_to;  // (input positions,) of these blocks, in `delta` and in the deltas below
    Span* back_span;
    Tap* back_tap;

    int side() const { return 2 * padding - kernel + 1; }  // change of a map's side by the layer
    bool dense() const { return kernel * height * width == 1; }
    int features() const { return outputs * windows; }

    // The numbers that a dropout draws per sample.
    int drawn(bool before_pool) const {
        if ((before_pool ? before : after) == OF_MAPS) return outputs;
        return before_pool ? outputs * (height + side()) * (width + side()) : features();
    }

    // `offset`: of its weights in the flat arrays. The first stage passes no deltas on.
    Stage(const ImageStage& given, int offset, bool first) : ImageStage(given) {
        pooled_height = (height + side()) / pool;
        pooled_width = (width + side()) / pool;
        area = pool * pool;
        windows = pooled_height * pooled_width;
        positions = windows * area;
        taps = channels * kernel * kernel;
        weight = offset;
        bias = offset + outputs * taps;
        strip = round_up(STRIP, area);
        scale_before = 1 / T(1 - p_before);
        scale_after = 1 / T(1 - p_after);
        padded_width = width + 2 * padding;
        in_map = (height + 2 * padding) * padded_width;
        in_block = channels * in_map;
        margin = first ? 0 : kernel - 1 - padding;
        delta_width = width + side() + 2 * margin;
        delta_map = (height + side() + 2 * margin) * delta_width;
        delta_block = apart(outputs * delta_map);
    }

    void lay_out(Arena& arena, int group) {
        const std::size_t all_windows = std::size_t(group) * windows, all_positions = all_windows * area;
        const std::size_t map = std::size_t(height) * width;
        in = arena.take<V>(std::size_t(group) * in_block);
        from = arena.take<int32_t>(all_positions);
        to = arena.take<int32_t>(all_windows);
        tap = arena.take<Tap>(taps);
        if (before) kept_before = arena.take<Bytes>(outputs * all_positions);
        if (after) kept_after = arena.take<Bytes>(outputs * all_windows);
        if (area > 1) winner = arena.take<Bytes>(outputs * all_windows);
        delta = arena.take<V>(std::size_t(delta_blocks) * delta_block);
        delta_at = arena.take<int32_t>(std::size_t(delta_blocks) * positions);
        back_from = arena.take<int32_t>(delta_blocks * map);
        back_to = arena.take<int32_t>(delta_blocks * map);
        back_span = arena.take<Span>(delta_blocks * map);
        back_tap = arena.take<Tap>(outputs * kernel * kernel);
    }

    // Fills the tables of the offsets of the stage's inputs and outputs. Its outputs are the next stage's inputs, or
    // the logits after the last stage.
    void connect(const Stage* next, V* logits, int group) {
        const bool flat = next && next->height * next->width == 1 && windows > 1;  // maps to features
        const int next_padding = next && !flat ? next->padding : 0;
        const int wide = next && !flat ? next->padded_width : pooled_width;
        out = next ? next->in : logits;
        out_map = next && !flat ? next->in_map : windows;
        connect_forward(next ? next->in_block : outputs, next_padding, wide, group);
        connect_backward();
    }

  private:
    // A distance of at least `vectors`, in vectors, at which the same places of several blocks do not compete for the same
    // set of the cache: an odd number of lines.
    static int apart(int vectors) {
        constexpr int line = std::max(int(ALIGNMENT / sizeof(V)), 1);
        return ((vectors + line - 1) / line | 1) * line;
    }

    int margin, delta_width;  // of the deltas

    void connect_forward(int out_block, int next_padding, int wide, int group) {
        int32_t *next_from = from, *next_to = to, *next_at = delta_at;
        for (int block = 0; block < group; ++block)
            for (int y = 0; y < pooled_height; ++y)
                for (int x = 0; x < pooled_width; ++x) {
                    *next_to++ = block * out_block + (y + next_padding) * wide + x + next_padding;
                    for (int i = 0; i < area; ++i) {
                        const int row = y * pool + i / pool, here = x * pool + i % pool;
                        *next_from++ = block * in_block + row * padded_width + here;
                        if (block < delta_blocks)
                            *next_at++ = block * delta_block + (row + margin) * delta_width + here + margin;
                    }
                }
        const int k = kernel;
        for (int t = 0; t < taps; ++t) tap[t] = {t / (k * k) * in_map + t / k % k * padded_width + t % k, t};
    }

    void connect_backward() {
        // Ordered by the kernel's rows, so that the taps of a row of inputs are contiguous. A step right in the kernel
        // is a step left in the deltas.
        const int k = kernel;
        Tap* next_tap = back_tap;
        for (int y = 0; y < k; ++y)
            for (int o = 0; o < outputs; ++o)
                for (int x = 0; x < k; ++x)
                    *next_tap++ = {o * delta_map + (k - 1 - y) * delta_width + k - 1 - x, o * taps + y * k + x};
        const int map = height * width, rows = pooled_height * pool;
        for (int i = 0; i < delta_blocks * map; ++i) {
            const int block = i / map, y = i % map / width, x = i % width;
            back_from[i] = block * delta_block + y * delta_width + x;
            back_to[i] = block * channels * map + i % map;
            const int first = y + padding - rows + 1, last = std::min(y + padding, k - 1);
            const int taps_per_row = outputs * k;  // the deltas of rows that pooling drops are zero
            back_span[i] = {std::max(first, 0) * taps_per_row, (last + 1) * taps_per_row};
        }
    }
};

// The stages and all arrays of a run.
template <class T> struct StagedNet : Vectors<T> {
    using typename Vectors<T>::V;
    using Vectors<T>::LANES;

    const ImageProblem& problem;
    std::vector<Stage<T>> stages;
    int parameters = 0, classes;
    int group;         // blocks
    std::size_t size;  // bytes of all arrays
    T *w, *g;
    V *logits;           // (group, classes)
    V *deltas[2];        // (group, outputs, windows) of a stage and of the stage below, alternating
    V *strip_sums;       // (outputs, strip): sums of a layer
    V *gradient_sums;    // of a layer's weights, from strip to strip
    V *packed;           // deltas of a strip, or inputs of a dense layer, in the order in which the gradient takes them
    int32_t *identity;   // (longest strip,): 0, 1, 2, ...
    int32_t *columns;    // (LANES, width): source columns of augmented rows
    T* pixels;           // (LANES, width): augmented rows
    double* numbers;     // (4, classes), for the loss

    static int blocks_of(int samples) { return (samples + LANES - 1) / LANES; }

    // Without memory in `state` only `size` and `group` are computed.
    StagedNet(const ImageProblem& problem, const ImageState& state)
        : problem(problem), w(static_cast<T*>(state.weights)) {
        for (int i = 0; i < problem.count; ++i) {
            stages.emplace_back(problem.stages[i], parameters, i == 0);
            parameters = stages.back().bias + stages.back().outputs;
        }
        classes = stages.back().outputs;
        choose_group();
        Arena arena(state.memory);
        lay_out(arena);
        size = arena.size();
        if (arena.only_counts()) return;
        for (std::size_t i = 0; i < stages.size(); ++i)
            stages[i].connect(i + 1 < stages.size() ? &stages[i + 1] : nullptr, logits, group);
    }

  private:
    // Chooses the smallest number of groups that fit the cache, of equal size.
    void choose_group() {
        std::size_t block = 0;
        for (const Stage<T>& stage : stages) block += stage.in_block * sizeof(V);
        const int blocks = blocks_of(problem.batch), most = int(GROUP_BYTES / block);
        const int groups = most < 1 ? blocks : (blocks + most - 1) / most;
        group = (blocks + groups - 1) / groups;
        for (Stage<T>& stage : stages) {
            const int fit = int(DELTA_BYTES / (stage.outputs * stage.delta_map * sizeof(V)));
            stage.delta_blocks = std::min(group, std::max(fit, 1));
        }
    }

    void lay_out(Arena& arena) {
        std::size_t widest = 0, strip = 0, longest = 0, kept = 0, most = GRADIENT_ROWS * GRADIENT_STRIP;
        for (Stage<T>& stage : stages) {
            stage.lay_out(arena, group);
            const std::size_t inputs = std::size_t(stage.channels) * stage.height * stage.width;
            widest = std::max({widest, inputs, std::size_t(stage.features())});
            strip = std::max(strip, std::size_t(stage.outputs) * stage.strip);
            longest = std::max(longest, std::size_t(stage.strip));
            if (stage.dense()) most = std::max(most, std::size_t(LANES) * DENSE_INPUTS * stage.delta_blocks);
            else if (stage.delta_blocks * stage.positions > GRADIENT_STRIP)
                kept = std::max(kept, std::size_t(stage.outputs) * stage.taps);
        }
        logits = arena.take<V>(std::size_t(group) * classes);
        for (V*& array : deltas) array = arena.take<V>(group * widest);
        strip_sums = arena.take<V>(strip);
        gradient_sums = arena.take<V>(kept);
        packed = arena.take<V>(most);
        identity = arena.take<int32_t>(longest);
        columns = arena.take<int32_t>(LANES * problem.width);
        pixels = arena.take<T>(LANES * problem.width);
        numbers = arena.take<double>(4 * classes);
        g = arena.take<T>(parameters);
        for (int i = 0; !arena.only_counts() && i < int(longest); ++i) identity[i] = i;
    }
};

}  // namespace
