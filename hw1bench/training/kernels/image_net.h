// The net of the image kernel: its stages, their tables of offsets and the memory of a run.
//
// Offsets are in vectors. A stage's positions are its layer's output positions, without the remainder that pooling
// drops: block by block, window by window, and row by row inside a window.

#pragma once

#include <algorithm>
#include <vector>

#include "activations.h"
#include "image_problem.h"
#include "image_taps.h"
#include "memory.h"

namespace {

enum DropoutKind { NO_DROPOUT, OF_NUMBERS, OF_MAPS };

constexpr int STRIP = 48;                       // minimum number of positions that pass through a layer at a time
constexpr int GRADIENT_STRIP = 144;             // positions that the gradient of weights takes at a time
constexpr std::size_t GROUP_BYTES = 2 << 20;    // for the activations of a group of blocks
constexpr std::size_t DELTA_BYTES = 256 << 10;  // for the deltas of `delta_blocks` blocks

// Sizes of the blocks of sums of the weights' gradient that stay in registers: of a convolution, GRADIENT_ROWS outputs
// x GRADIENT_TAPS taps; of a dense layer, for two samples, DENSE_ROWS outputs x DENSE_INPUTS vectors of inputs.
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
    int32_t* tap_at;  // (taps,): offsets of the inputs of all taps from a position
    Place* place;     // (positions,) of all blocks; each strip is ordered by taps
    Tap* tap;
    Bytes *kept_before, *kept_after;  // (outputs, positions or windows of all blocks)
    Bytes* winner;                    // (outputs, windows of all blocks): index in the window; `area` if it was dropped

    // Backward: the layer's deltas (blocks, outputs, height, width), each map with a margin of zeros.
    V* delta;
    int32_t* delta_at;  // (positions,) of these blocks
    int back_blocks;    // blocks whose input positions are ordered together, at most
    Place* back_place;  // (input positions,) of 1 block, then of 2, and so on to `back_blocks`
    Tap* back_tap;

    int side() const { return 2 * padding - kernel + 1; }  // change of a map's side by the layer
    bool dense() const { return kernel * height * width == 1; }
    int features() const { return outputs * windows; }

    // The numbers that a dropout draws per sample.
    int drawn(bool before_pool) const {
        if ((before_pool ? before : after) == OF_MAPS) return outputs;
        return before_pool ? outputs * (height + side()) * (width + side()) : features();
    }

    // The places before those of `blocks` blocks in `back_place`.
    std::size_t back_places(int blocks) const { return std::size_t(blocks) * (blocks - 1) / 2 * height * width; }

    // `offset`: of its weights in the flat arrays. The first stage passes no deltas on.
    Stage(const ImageStage& given, int offset, bool first)
        : ImageStage(given), rows(reach(height)), columns(reach(width)), back_rows(back_reach(height)),
          back_columns(back_reach(width)) {
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
        in = arena.take<V>(std::size_t(group) * in_block);
        from = arena.take<int32_t>(all_positions);
        to = arena.take<int32_t>(all_windows);
        place = arena.take<Place>(all_positions);
        tap_at = arena.take<int32_t>(taps);
        tap = arena.take<Tap>(std::size_t(channels) * rows.total * columns.total);
        if (before) kept_before = arena.take<Bytes>(outputs * all_positions);
        if (after) kept_after = arena.take<Bytes>(outputs * all_windows);
        if (area > 1) winner = arena.take<Bytes>(outputs * all_windows);
        delta = arena.take<V>(std::size_t(delta_blocks) * delta_block);
        delta_at = arena.take<int32_t>(std::size_t(delta_blocks) * positions);
        back_place = arena.take<Place>(back_places(back_blocks + 1));
        back_tap = arena.take<Tap>(std::size_t(outputs) * back_rows.total * back_columns.total);
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
    // A distance of at least `vectors`, in vectors: an odd number of cache lines, so that the same places of several
    // blocks do not compete for the same set of the cache.
    static int apart(int vectors) {
        constexpr int line = std::max(int(ALIGNMENT / sizeof(V)), 1);
        return ((vectors + line - 1) / line | 1) * line;
    }

    Reach rows, columns, back_rows, back_columns;  // of the kernel, at output positions and at input positions

    Reach reach(int size) const {
        return {(size + side()) / pool * pool, [&](int i) {
                    return Span{std::max(padding - i, 0), std::min(size + padding - i, int(kernel))};
                }};
    }

    // The deltas of positions that pooling drops are zero.
    Reach back_reach(int size) const {
        const int kept = (size + side()) / pool * pool;
        return {size, [&](int i) {
                    return Span{std::max(i + padding - kept + 1, 0), std::min(i + padding + 1, int(kernel))};
                }};
    }

    int margin, delta_width;  // of the deltas

    void connect_forward(int out_block, int next_padding, int wide, int group) {
        const int k = kernel, count = group * positions;
        for (int t = 0; t < taps; ++t) tap_at[t] = t / (k * k) * in_map + t / k % k * padded_width + t % k;
        const TapLists lists(rows, columns, tap, [&](Span y_span, Span x_span, Tap* next) {
            for (int c = 0; c < channels; ++c)
                for (int y = y_span.first; y < y_span.end; ++y)
                    for (int x = x_span.first; x < x_span.end; ++x)
                        *next++ = {c * in_map + y * padded_width + x, (c * k + y) * k + x};
            return next;
        });
        int32_t *next_from = from, *next_to = to, *next_at = delta_at;
        Place* next_place = place;
        for (int block = 0, in_strip = 0; block < group; ++block)
            for (int y = 0; y < pooled_height; ++y)
                for (int x = 0; x < pooled_width; ++x) {
                    *next_to++ = block * out_block + (y + next_padding) * wide + x + next_padding;
                    for (int i = 0; i < area; ++i) {
                        const int row = y * pool + i / pool, here = x * pool + i % pool;
                        *next_from = block * in_block + row * padded_width + here;
                        *next_place++ = {*next_from++, in_strip, lists.at(row, here)};
                        if (++in_strip == strip) in_strip = 0;
                        if (block < delta_blocks)
                            *next_at++ = block * delta_block + (row + margin) * delta_width + here + margin;
                    }
                }
        for (int start = 0; start < count; start += strip)
            sort_by_taps(place + start, place + std::min(start + strip, count));
    }

    void connect_backward() {
        // Ordered by the kernel's rows. A step right in the kernel is a step left in the deltas.
        const int k = kernel, map = height * width;
        const TapLists lists(back_rows, back_columns, back_tap, [&](Span y_span, Span x_span, Tap* next) {
            for (int y = y_span.first; y < y_span.end; ++y)
                for (int o = 0; o < outputs; ++o)
                    for (int x = x_span.first; x < x_span.end; ++x)
                        *next++ = {o * delta_map + (k - 1 - y) * delta_width + k - 1 - x, o * taps + y * k + x};
            return next;
        });
        Place* next = back_place;
        for (int blocks = 1; blocks <= back_blocks; ++blocks) {
            Place* const first = next;
            for (int block = 0; block < blocks; ++block)
                for (int i = 0; i < map; ++i)
                    *next++ = {block * delta_block + i / width * delta_width + i % width, block * channels * map + i,
                               lists.at(i / width, i % width)};
            sort_by_taps(first, next);
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
    V *packed;           // deltas of a strip or inputs of a dense layer, in the order in which the gradient takes them
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
            const int map = stage.height * stage.width;
            stage.back_blocks = std::min(stage.delta_blocks, std::max((STRIP + map - 1) / map, 2));
        }
    }

    void lay_out(Arena& arena) {
        std::size_t widest = 0, strip = 0, kept = 0, most = GRADIENT_ROWS * GRADIENT_STRIP;
        for (Stage<T>& stage : stages) {
            stage.lay_out(arena, group);
            const std::size_t inputs = std::size_t(stage.channels) * stage.height * stage.width;
            widest = std::max({widest, inputs, std::size_t(stage.features())});
            strip = std::max(strip, std::size_t(stage.outputs) * stage.strip);
            if (stage.dense()) most = std::max(most, std::size_t(LANES) * DENSE_INPUTS * stage.delta_blocks);
            else if (stage.delta_blocks * stage.positions > GRADIENT_STRIP)
                kept = std::max(kept, std::size_t(stage.outputs) * stage.taps);
        }
        logits = arena.take<V>(std::size_t(group) * classes);
        for (V*& array : deltas) array = arena.take<V>(group * widest);
        strip_sums = arena.take<V>(strip);
        gradient_sums = arena.take<V>(kept);
        packed = arena.take<V>(most);
        pixels = arena.take<T>(LANES * problem.width);
        numbers = arena.take<double>(4 * classes);
        g = arena.take<T>(parameters);
    }
};

}  // namespace
