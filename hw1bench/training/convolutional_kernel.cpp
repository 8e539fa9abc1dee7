// Trains one small classifier of images on one thread: convolutions, pooling, dropout, dense layers, optimiser.
//
// A vector's lanes are samples. A block of LANES samples lies as (channels, height, width) vectors, so that every
// operation of the net is the scalar one on vectors; blocks go through the net in groups that fit the cache, layer by
// layer, so that a weight is fetched once for many positions. A dense layer is a convolution of 1 x 1 maps.
//
// The net is a row of stages: weights, then activation, dropout, max pooling, dropout, each of the last four optional.
// Weights, gradient and moments are flat, in torch's order. Sums are taken in a fixed order, by the problem alone: a
// library repeats its results bit for bit, however the batches are divided into calls.

#include <new>
#include <vector>

#include "kernel_vectors.h"

extern "C" {

// A layer with weights and what follows it. A dense layer is kernel 1 on a map of 1 x 1.
struct ImageStage {
    int32_t channels, height, width;  // of the input
    int32_t kernel, padding, outputs;
    int32_t activation;     // 0 none, 1 relu, 2 leaky relu with slope 0.01, 3 tanh
    int32_t pool;           // side of the pooling window; 1: no pooling
    int32_t before, after;  // dropout before and after pooling: 0 none, 1 of numbers, 2 of maps; before: pool > 1
    double p_before, p_after;
};

// What is trained, shared by the runs of a block.
struct ImageProblem {
    const ImageStage* stages;
    double weight_decay, eps;
    int32_t count;                    // stages
    int32_t channels, height, width;  // of an image; the first stage takes it so, or as a row of features
    int32_t batch;                    // samples in a whole batch
    int32_t output;                   // what the last stage passes through: 0 nothing, 1 softmax, 2 log-softmax
    int32_t loss;                     // 0 cross-entropy, 1 negative log-likelihood
    int32_t optimizer;                // 0 SGD, 1 Adam, 2 RMSprop
};

// What training changes. At the start: the initial weights, moments 0, both powers 1, and the memory zeros.
struct ImageState {
    void *weights, *first, *second;  // T (parameters,): second moments in `second`, Adam's first ones in `first`
    void* memory;                    // as many bytes as image_layout says, aligned to 64
    double beta1_power, beta2_power;  // beta^steps
};

// Images (samples, channels, height, width) of T and their classes.
struct ImageSet {
    const void* x;
    const int32_t* y;
};

// A batch, or a part of one: its samples start..end, at multiples of a group's. Where they are not null, `loss` and
// `correct` are added to, and `squares` is written once the batch is complete.
struct ImagePiece {
    const int32_t* order;              // (batch,): which images
    const uint8_t *top, *left, *flip;  // (batch,) of the augmentation, or null
    const uint8_t* kept;               // of each dropout (batch, what it draws for a sample): 0 or 1; null: no dropout
    double* loss;                      // the sum of the samples' losses
    int64_t* correct;                  // the hits
    double* squares;  // (2 stages,): the sum of squares of the mean loss's gradient by each weight, then each bias
    double lr;
    int32_t batch, start, end;
    int32_t step;  // whether the optimiser takes a step once the batch is complete
};
}

namespace {

enum Output { PLAIN, SOFTMAX, LOG_SOFTMAX };
enum Dropout { NONE, NUMBERS, MAPS };

// Sums in registers. Forward and towards the inputs: outputs x positions, SUMS in all, at most POSITIONS positions.
// Of the weights' gradient: GRADIENT_ROWS outputs x GRADIENT_TAPS inputs. With 16 registers larger blocks were measured
// up to 1.5 times slower, as the compiler then spills.
#if defined(__AVX512F__)
constexpr int SUMS = 24, POSITIONS = 6, GRADIENT_ROWS = 4, GRADIENT_TAPS = 6;
#else
constexpr int SUMS = 12, POSITIONS = 2, GRADIENT_ROWS = 3, GRADIENT_TAPS = 3;
#endif

constexpr std::size_t ALIGNMENT = 64;
constexpr std::size_t GROUP_BYTES = 2 << 20;    // of activations of a group of blocks
constexpr std::size_t DELTA_BYTES = 256 << 10;  // of a layer's deltas at its full size, for some blocks of a group
constexpr int STRIP = 48;                       // positions that pass through a layer at a time, at least
constexpr int MARGIN = 4;                       // by which augmentation pads

template <Activation A> using constant = std::integral_constant<Activation, A>;

// Calls f with the constant `activation`.
template <class F> inline void with_activation(int activation, F&& f) {
    switch (activation) {
        case RELU: return f(constant<RELU>{});
        case LEAKY_RELU: return f(constant<LEAKY_RELU>{});
        case TANH: return f(constant<TANH>{});
        default: return f(constant<LINEAR>{});
    }
}

constexpr std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }
constexpr int least(int a, int b) { return a < b ? a : b; }

// Deals out memory; where there is none, counts how much it takes.
class Arena {
    char* base;
    std::size_t used = 0;

  public:
    explicit Arena(void* base) : base(static_cast<char*>(base)) {}
    template <class A> A* take(std::size_t count) {
        used = round_up(used, ALIGNMENT);
        A* found = base ? reinterpret_cast<A*>(base + used) : nullptr;
        used += count * sizeof(A);
        return found;
    }
    bool real() const { return base; }
    std::size_t size() const { return round_up(used, ALIGNMENT); }
};

template <class T> class Net : Vectors<T> {
    using In = Vectors<T>;
    using typename In::Integer, typename In::Mask, typename In::V;
    using In::activate, In::derive, In::LANES, In::shuffle, In::splat, In::sum;
    typedef uint8_t Bytes __attribute__((vector_size(LANES)));  // a small number for each lane

    struct Tap {  // a term of a sum: where its input lies, from the position's, and its weight, from the output's
        int32_t at, weight;
    };

    struct Span {
        int32_t first, end;
    };

    // Offsets are in vectors. A layer's positions are those that pooling keeps, window by window, block by block.
    struct Stage : ImageStage {
        int pooled_height, pooled_width, windows, positions, area;  // positions = windows * area, of a block
        int weight, bias, taps;
        int strip;
        T scale_before, scale_after;
        // Forward: inputs (blocks, channels, padded height, padded width); `from` (positions,), `to` (windows,) of all
        // blocks. `out` are the next stage's inputs, maps `out_map` apart.
        V *in, *out;
        int in_map, in_block, padded_width, out_map;
        int32_t *from, *to;
        Tap* tap;
        Bytes *kept_before, *kept_after;  // (outputs, positions or windows of all blocks)
        Bytes* winner;                    // (outputs, windows of all blocks): place in the window; area: it was dropped
        // Backward, some blocks at a time: the layer's deltas (blocks, outputs, height, width), in a margin of zeros.
        V* delta;
        int some, delta_map, delta_block;
        int32_t* delta_at;               // (positions,) of these blocks
        int32_t *back_from, *back_to;    // (inputs' positions,) of these blocks, in `delta` and in the deltas below
        Span* back_span;
        Tap* back_tap;

        int features() const { return outputs * windows; }
        // Which numbers a dropout draws for a sample.
        int drawn(bool before_pool) const {
            if ((before_pool ? before : after) == MAPS) return outputs;
            const int side = 2 * padding - kernel + 1;
            return before_pool ? outputs * (height + side) * (width + side) : features();
        }
    };

    static V number(Bytes bytes) { return __builtin_convertvector(bytes, V); }

    // ---- sums over the lanes of a vector

    // to[j] += the sum of the lanes of v[j], j < N
    template <int N> static void add_sums(V* v, T* to) {
        constexpr int here = N < LANES ? N : LANES;
        const V folded = In::template sums<here>(v);
        UNROLL for (int j = 0; j < here; ++j) to[j] += folded[j];
        if constexpr (N > LANES) add_sums<N - LANES>(v + LANES, to + LANES);
    }

    // ---- samples to lanes

    // One of the steps of `transposed`: exchanges bit K of the place with bit K of the lane.
    template <int K, class Vector, class Lanes, std::size_t... J>
    static void exchange(Vector (&v)[LANES], std::index_sequence<J...>) {
        using Index = std::decay_t<decltype(Lanes{}[0])>;
        UNROLL for (int i = 0; i < LANES; ++i)
            if (!(i & K)) {
                const Vector a = v[i], b = v[i | K];
                v[i] = shuffle(a, b, Lanes{Index(J & K ? LANES + (J ^ K) : J)...});
                v[i | K] = shuffle(a, b, Lanes{Index(J & K ? LANES + J : J ^ K)...});
            }
        if constexpr (2 * K < LANES) exchange<2 * K, Vector, Lanes>(v, std::index_sequence<J...>{});
    }

    // to[p][lane] = from[lane][p] for p < count
    template <class Vector, class Lanes, class A>
    static void transpose(const A* const (&from)[LANES], int count, A* to) {
        typedef A Unaligned __attribute__((vector_size(sizeof(Vector)), aligned(alignof(A)), may_alias));
        int p = 0;
        for (; p + LANES <= count; p += LANES) {
            Vector v[LANES];
            UNROLL for (int i = 0; i < LANES; ++i) v[i] = *reinterpret_cast<const Unaligned*>(from[i] + p);
            exchange<1, Vector, Lanes>(v, std::make_index_sequence<LANES>{});
            UNROLL for (int i = 0; i < LANES; ++i) *reinterpret_cast<Unaligned*>(to + (p + i) * LANES) = v[i];
        }
        for (; p < count; ++p)
            for (int i = 0; i < LANES; ++i) to[p * LANES + i] = from[i][p];
    }

    // ---- sums of products

    // f(block[r][c], r, c), unrolled so that the block lies in registers
    template <int R, int C, class F> static void each(V (&block)[R][C], F f) {
        UNROLL for (int r = 0; r < R; ++r)
            UNROLL for (int c = 0; c < C; ++c) f(block[r][c], r, c);
    }

    // out[to[p] + row * out_row] = bias[row] + sum over taps of w[row * by_row + tap.weight] * in[from[p] + tap.at];
    // `spans`, if given, says which taps find anything but zeros at a position.
    static void products(int rows, int positions, int taps, const T* w, std::ptrdiff_t by_row, const T* bias,
                         const Tap* tap, const V* in, const int32_t* from, V* out, const int32_t* to,
                         std::ptrdiff_t out_row, const Span* spans = nullptr) {
        for (int p = 0; p < positions; p += POSITIONS)
            with_constant<POSITIONS>(positions - p, [&](auto columns_here) {
                constexpr int C = columns_here, MOST = SUMS / C < 8 ? SUMS / C : 8;
                const V* h[C];
                UNROLL for (int c = 0; c < C; ++c) h[c] = in + from[p + c];
                Span span{0, taps};
                if (spans) {
                    span = spans[p];
                    for (int c = 1; c < C; ++c) {
                        span.first = least(span.first, spans[p + c].first);
                        span.end = -least(-span.end, -spans[p + c].end);
                    }
                }
                for (int row = 0; row < rows; row += MOST)
                    with_constant<MOST>(rows - row, [&](auto rows_here) {
                        constexpr int R = rows_here;
                        V total[R][C];
                        each(total, [&](V& sum, int r, int) { sum = bias ? splat(bias[row + r]) : V{}; });
                        const T* weights = w + row * by_row;
                        for (int t = span.first; t < span.end; ++t) {
                            const T* weight = weights + tap[t].weight;
                            const std::ptrdiff_t at = tap[t].at;
                            V value[C];
                            UNROLL for (int c = 0; c < C; ++c) value[c] = h[c][at];
                            each(total, [&](V& sum, int r, int c) { sum += weight[r * by_row] * value[c]; });
                        }
                        each(total, [&](V& sum, int r, int c) { out[to[p + c] + (row + r) * out_row] = sum; });
                    });
            });
    }

    // Adds to the gradient of the stage's weights: sums over positions of delta * input, as vectors while the strips
    // pass, folded to numbers after the last.
    void weights_gradient(const Stage& stage, const V* in, const int32_t* from, int positions) {
        for (int start = 0; start < positions; start += STRIP) {
            const int count = least(STRIP, positions - start);
            const bool opens = start == 0, closes = start + count == positions;
            const int32_t *x_at = from + start, *delta_at = stage.delta_at + start;
            V* kept = gradient_sums;
            for (int row = 0; row < stage.outputs; row += GRADIENT_ROWS)
                with_constant<GRADIENT_ROWS>(stage.outputs - row, [&](auto rows_here) {
                    constexpr int R = rows_here;
                    const V* delta = stage.delta + row * std::ptrdiff_t(stage.delta_map);
                    const std::ptrdiff_t map = stage.delta_map;
                    for (int t = 0; t < stage.taps; t += GRADIENT_TAPS)
                        with_constant<GRADIENT_TAPS>(stage.taps - t, [&](auto taps_here) {
                            constexpr int C = taps_here;
                            V total[R][C];
                            const V* h[C];
                            UNROLL for (int c = 0; c < C; ++c) h[c] = in + stage.tap[t + c].at;
                            each(total, [&](V& sum, int r, int c) { sum = opens ? V{} : kept[r * C + c]; });
                            for (int p = 0; p < count; ++p) {
                                const V* d = delta + delta_at[p];
                                const std::ptrdiff_t at = x_at[p];
                                V value[R];
                                UNROLL for (int r = 0; r < R; ++r) value[r] = d[r * map];
                                UNROLL for (int c = 0; c < C; ++c) {
                                    const V x = h[c][at];
                                    UNROLL for (int r = 0; r < R; ++r) total[r][c] += value[r] * x;
                                }
                            }
                            if (closes) {
                                T* to = g + stage.weight + row * std::ptrdiff_t(stage.taps) + t;
                                UNROLL for (int r = 0; r < R; ++r) add_sums<C>(total[r], to + r * stage.taps);
                            } else {
                                each(total, [&](V& sum, int r, int c) { kept[r * C + c] = sum; });
                            }
                            kept += R * C;
                        });
                });
        }
    }

    // ---- a group of blocks

    // Images first..first + samples of the batch, or of the set, into the first stage's inputs. Lanes to spare repeat
    // the last image, so that they hold nothing that the others do not.
    void read(const ImageSet& set, const ImagePiece* piece, int first, int samples) {
        const Stage& stage = stages.front();
        const int height = problem.height, width = problem.width, size = problem.channels * height * width;
        const int padding = stage.padding, line = width + 2 * padding, map = (height + 2 * padding) * line;
        const bool moved = piece && piece->top;
        for (int block = 0; block < blocks_of(samples); ++block) {
            const T *image[LANES], *row[LANES];
            int place[LANES];
            for (int i = 0; i < LANES; ++i) {
                place[i] = first + least(block * LANES + i, samples - 1);
                const std::ptrdiff_t index = piece ? piece->order[place[i]] : place[i];
                image[i] = row[i] = static_cast<const T*>(set.x) + index * size;
            }
            T* to = reinterpret_cast<T*>(stage.in + block * std::ptrdiff_t(stage.in_block));
            if (!moved && !padding) {
                transpose<V, Mask>(row, size, to);
                continue;
            }
            for (int i = 0; moved && i < LANES; ++i)
                for (int x = 0; x < width; ++x) {
                    const int from = piece->flip[place[i]] ? width - 1 - x : x;
                    columns[i * width + x] = reflected(from + piece->left[place[i]] - MARGIN, width);
                }
            for (int c = 0; c < problem.channels; ++c)
                for (int y = 0; y < height; ++y) {
                    for (int i = 0; i < LANES; ++i) {
                        const int from = moved ? reflected(y + piece->top[place[i]] - MARGIN, height) : y;
                        row[i] = image[i] + (c * height + from) * width;
                        if (!moved) continue;
                        T* changed = pixels + i * width;
                        for (int x = 0; x < width; ++x) changed[x] = row[i][columns[i * width + x]];
                        row[i] = changed;
                    }
                    transpose<V, Mask>(row, width, to + LANES * (c * map + (y + padding) * line + padding));
                }
        }
    }

    // The pixel of `size` that an index over its ends stands for, the end pixel not repeated.
    static int reflected(int index, int size) {
        if (index < 0) index = -index;
        return index < size ? index : 2 * (size - 1) - index;
    }

    // The group's part of what the batch's dropouts keep.
    void read_kept(const ImagePiece& piece, int first, int samples) {
        const uint8_t* drawn = piece.kept;
        for (Stage& stage : stages)
            for (const bool before : {true, false}) {
                const int kind = before ? stage.before : stage.after;
                if (kind == NONE) continue;
                const int size = stage.drawn(before), area = before ? stage.area : 1, count = stage.windows * area;
                uint8_t* const kept = reinterpret_cast<uint8_t*>(before ? stage.kept_before : stage.kept_after);
                const int side = stage.pool, wide = stage.width + 2 * stage.padding - stage.kernel + 1;
                const int map = size / stage.outputs;
                for (int block = 0; block < blocks_of(samples); ++block)
                    for (int o = 0; o < stage.outputs; ++o) {
                        const uint8_t* from[LANES];
                        for (int i = 0; i < LANES; ++i) {
                            const std::ptrdiff_t sample = first + least(block * LANES + i, samples - 1);
                            from[i] = drawn + sample * size + o * map;
                        }
                        uint8_t* to = kept + LANES * (o * std::ptrdiff_t(group) + block) * count;
                        if (kind == NUMBERS && !before) {
                            transpose<Bytes, Bytes>(from, count, to);
                            continue;
                        }
                        for (int p = 0; p < count; ++p) {
                            const int window = p / area;
                            const int x = window % stage.pooled_width, y = window / stage.pooled_width;
                            const int at = (y * side + p % area / side) * wide + x * side + p % side;
                            for (int i = 0; i < LANES; ++i) *to++ = from[i][kind == MAPS ? 0 : at];
                        }
                    }
                drawn += piece.batch * std::ptrdiff_t(size);
            }
    }

    // What follows a layer's sums z (outputs, strip), for `count` windows from window `start` on. Activations do not
    // fall, so the first maximum of the sums is that of the activations, and pooling comes first; where a dropout lies
    // between the two it cannot.
    template <Activation A, int Area>
    void finish(const Stage& stage, int start, int count, bool training, bool dropout) {
        const int area = Area ? Area : stage.area;
        const Bytes* before = dropout && stage.before ? stage.kept_before : nullptr;
        const Bytes* after = dropout && stage.after ? stage.kept_after : nullptr;
        for (int o = 0; o < stage.outputs; ++o) {
            const V* z = sums_of_strip + o * stage.strip;
            const std::ptrdiff_t row = o * std::ptrdiff_t(group) * stage.windows;
            V* out = stage.out + o * std::ptrdiff_t(stage.out_map);
            for (int i = 0; i < count; ++i, z += area) {
                const std::ptrdiff_t window = row + start + i;
                V best = z[0];
                if (before) {
                    const Bytes* kept = before + window * area;
                    V kept_best = number(kept[0]), place{};
                    best = activate(A, best) * (kept_best * stage.scale_before);
                    for (int k = 1; k < area; ++k) {
                        const V keeps = number(kept[k]), value = activate(A, z[k]) * (keeps * stage.scale_before);
                        const Mask wins = (value > best) | (value != value);
                        best = wins ? value : best;
                        kept_best = wins ? keeps : kept_best;
                        place = wins ? splat(T(k)) : place;
                    }
                    place = kept_best == 0 ? splat(T(area)) : place;
                    stage.winner[window] = __builtin_convertvector(place, Bytes);
                } else {
                    if (area > 1) {
                        Mask place{};
                        UNROLL for (int k = 1; k < area; ++k) {
                            const Mask wins = (z[k] > best) | (z[k] != z[k]);
                            best = wins ? z[k] : best;
                            place = wins ? Mask{} + Integer(k) : place;
                        }
                        if (training) stage.winner[window] = __builtin_convertvector(place, Bytes);
                    }
                    best = activate(A, best);
                }
                if (after) best *= number(after[window]) * stage.scale_after;
                out[stage.to[start + i]] = best;
            }
        }
    }

    // `training`: backward follows. `dropout`: what has been read of the batch's dropouts applies.
    void forward(int blocks, bool training, bool dropout) {
        for (const Stage& stage : stages) {
            const int positions = blocks * stage.positions;
            for (int start = 0; start < positions; start += stage.strip) {
                const int count = least(stage.strip, positions - start);
                products(stage.outputs, count, stage.taps, w + stage.weight, stage.taps, w + stage.bias, stage.tap,
                         stage.in, stage.from + start, sums_of_strip, identity, stage.strip);
                with_activation(stage.activation, [&](auto activation) {
                    constexpr Activation A = activation;
                    const int first = start / stage.area, windows = count / stage.area;
                    if (stage.area == 1) finish<A, 1>(stage, first, windows, training, dropout);
                    else if (stage.area == 4) finish<A, 4>(stage, first, windows, training, dropout);
                    else finish<A, 0>(stage, first, windows, training, dropout);
                });
            }
        }
    }

    // From the deltas of what the stage gives out to those of the layer's sums, for `count` blocks from `start` on, and
    // the gradient of the biases.
    template <Activation A> void spread(const Stage& stage, const V* above, int start, int count, bool dropout) {
        const bool before = dropout && stage.before, after = dropout && stage.after;
        const T kept_before = before ? 1 / stage.scale_before : 1, scale = before ? stage.scale_before : 1;
        const T kept_after = after ? 1 / stage.scale_after : 1;
        for (int o = 0; o < stage.outputs; ++o) {
            V bias{};
            for (int block = start; block < start + count; ++block) {
                const V* d = above + (block * std::ptrdiff_t(stage.outputs) + o) * stage.windows;
                const std::ptrdiff_t row = (o * std::ptrdiff_t(group) + block) * stage.windows;
                const V* out = stage.out + o * std::ptrdiff_t(stage.out_map);
                const int32_t* to = stage.to + block * stage.windows;
                const int32_t* at = stage.delta_at + (block - start) * stage.positions;
                V* delta = stage.delta + o * std::ptrdiff_t(stage.delta_map);
                for (int i = 0; i < stage.windows; ++i, at += stage.area) {
                    V h = out[to[i]], value = d[i];
                    if (after) {
                        h *= kept_after;
                        value *= number(stage.kept_after[row + i]) * stage.scale_after;
                    }
                    if (before) {
                        h *= kept_before;
                        value *= scale;
                    }
                    value = derive(A, h, value);
                    if (stage.area == 1) {
                        bias += value;
                        delta[at[0]] = value;
                    } else {
                        const Mask winner = __builtin_convertvector(stage.winner[row + i], Mask);
                        for (int k = 0; k < stage.area; ++k) {
                            const V here = winner == k ? value : V{};
                            delta[at[k]] = here;
                            bias += here;
                        }
                    }
                }
            }
            g[stage.bias + o] += sum(bias);
        }
    }

    // Adds the group's gradient, from the deltas of the last stage's outputs in deltas[0].
    void backward(int blocks, bool dropout) {
        V *above = deltas[0], *below = deltas[1];
        for (std::size_t s = stages.size(); s-- > 0;) {
            const Stage& stage = stages[s];
            const int map = stage.height * stage.width;
            for (int start = 0; start < blocks; start += stage.some) {
                const int count = least(stage.some, blocks - start);
                with_activation(stage.activation, [&](auto activation) {
                    constexpr Activation A = activation;
                    spread<A>(stage, above, start, count, dropout);
                });
                weights_gradient(stage, stage.in, stage.from + start * stage.positions, count * stage.positions);
                if (s > 0)
                    products(stage.channels, count * map, stage.outputs * stage.kernel * stage.kernel, w + stage.weight,
                             stage.kernel * stage.kernel, nullptr, stage.back_tap, stage.delta, stage.back_from,
                             below + start * std::ptrdiff_t(stage.channels) * map,
                             stage.back_to, map, stage.back_span);
            }
            std::swap(above, below);
        }
    }

    // ---- loss

    // log-softmax of z into out, both (classes,)
    void log_softmax(const double* z, double* out) const {
        double top = z[0], total = 0;
        for (int c = 1; c < classes; ++c)
            if (z[c] > top || z[c] != z[c]) top = z[c];
        for (int c = 0; c < classes; ++c) total += std::exp(z[c] - top);
        const double shift = top + std::log(total);
        for (int c = 0; c < classes; ++c) out[c] = z[c] - shift;
    }

    // Adds the loss of a sample and whether its class has the first of the largest outputs. Where `delta` is given, the
    // loss's derivatives by z, over `batch`, go there, LANES apart.
    void loss_of(const T* z, int target, double& loss, std::int64_t& correct, T* delta, int batch) const {
        double *const in = numbers, *const out = numbers + classes, *const log_p = numbers + 2 * classes;
        double* const d = numbers + 3 * classes;
        for (int c = 0; c < classes; ++c) in[c] = out[c] = double(z[c * LANES]);
        if (problem.output != PLAIN) log_softmax(in, out);
        if (problem.output == SOFTMAX)
            for (int c = 0; c < classes; ++c) out[c] = std::exp(out[c]);
        int best = 0;
        for (int c = 1; c < classes; ++c)  // in T, in which torch compares; NaN is the largest
            if (T(out[c]) > T(out[best]) || (out[c] != out[c] && out[best] == out[best])) best = c;
        correct += best == target;
        const bool cross_entropy = problem.loss == 0;
        if (cross_entropy) log_softmax(out, log_p);
        loss -= (cross_entropy ? log_p : out)[target];
        if (!delta) return;
        double total = 0;
        for (int c = 0; c < classes; ++c) {
            d[c] = ((cross_entropy ? std::exp(log_p[c]) : 0.0) - (c == target)) / batch;
            total += problem.output == SOFTMAX ? d[c] * out[c] : d[c];
        }
        for (int c = 0; c < classes; ++c) {
            double value = d[c];
            if (problem.output == SOFTMAX) value = out[c] * (value - total);
            if (problem.output == LOG_SOFTMAX) value -= std::exp(out[c]) * total;
            delta[c * LANES] = T(value);
        }
    }

    // Adds the losses and the hits of the group's samples; where `batch` > 0, their deltas into deltas[0].
    void losses(const int32_t* y, const int32_t* order, int first, int samples, double& loss, std::int64_t& correct,
                int batch) {
        for (int lane = 0; lane < blocks_of(samples) * LANES; ++lane) {
            const std::ptrdiff_t at = std::ptrdiff_t(lane / LANES) * classes * LANES + lane % LANES;
            T* delta = reinterpret_cast<T*>(deltas[0]) + at;
            if (lane < samples) {
                const int target = y[order ? order[first + lane] : first + lane];
                const T* z = reinterpret_cast<const T*>(logits) + lane / LANES * std::ptrdiff_t(logits_block) * LANES;
                loss_of(z + lane % LANES, target, loss, correct, batch ? delta : nullptr, batch);
            } else if (batch) {
                for (int c = 0; c < classes; ++c) delta[c * LANES] = 0;
            }
        }
    }

    // Sums of squares of the gradient into to (2 stages,): of each stage's weights, then of its biases.
    void squares_of_gradient(double* to) const {
        const auto squares = [](const T* from, int count) {
            double total = 0;
            for (int i = 0; i < count; ++i) total += double(from[i]) * double(from[i]);
            return total;
        };
        for (const Stage& stage : stages) {
            *to++ = squares(g + stage.weight, stage.bias - stage.weight);
            *to++ = squares(g + stage.bias, stage.outputs);
        }
    }

    static int blocks_of(int samples) { return (samples + LANES - 1) / LANES; }

    const ImageProblem& problem;
    ImageState& state;
    std::vector<Stage> stages;
    int parameters = 0, classes = 0;
    int group;  // blocks
    std::size_t size;
    T *w, *g;
    V *logits, *deltas[2], *sums_of_strip, *gradient_sums;
    int logits_block;
    int32_t *identity, *columns;
    T* pixels;
    double* numbers;

    // The stages' shapes, and how many blocks make a group.
    void measure() {
        std::size_t block = 0;
        for (int i = 0; i < problem.count; ++i) {
            Stage stage{};
            static_cast<ImageStage&>(stage) = problem.stages[i];
            const int side = 2 * stage.padding - stage.kernel + 1;
            stage.pooled_height = (stage.height + side) / stage.pool;
            stage.pooled_width = (stage.width + side) / stage.pool;
            stage.area = stage.pool * stage.pool;
            stage.windows = stage.pooled_height * stage.pooled_width;
            stage.positions = stage.windows * stage.area;
            stage.taps = stage.channels * stage.kernel * stage.kernel;
            stage.weight = parameters;
            stage.bias = parameters + stage.outputs * stage.taps;
            parameters = stage.bias + stage.outputs;
            stage.strip = int(round_up(STRIP, stage.area));
            stage.scale_before = 1 / T(1 - stage.p_before);
            stage.scale_after = 1 / T(1 - stage.p_after);
            stage.padded_width = stage.width + 2 * stage.padding;
            stage.in_map = (stage.height + 2 * stage.padding) * stage.padded_width;
            stage.in_block = stage.channels * stage.in_map;
            const int margin = i ? stage.kernel - 1 - stage.padding : 0;
            stage.delta_map = (stage.height + side + 2 * margin) * (stage.width + side + 2 * margin);
            stage.delta_block = stage.outputs * stage.delta_map;
            block += stage.in_block * sizeof(V);
            stages.push_back(stage);
        }
        classes = logits_block = stages.back().outputs;
        // As few groups as the cache allows, of the same size.
        const int blocks = blocks_of(problem.batch), most = int(GROUP_BYTES / block);
        const int groups = most < 1 ? blocks : (blocks + most - 1) / most;
        group = (blocks + groups - 1) / groups;
        for (Stage& stage : stages) {
            const int fit = int(DELTA_BYTES / (stage.delta_block * sizeof(V)));
            stage.some = least(group, fit < 1 ? 1 : fit);
        }
    }

    void lay_out(Arena& arena) {
        std::size_t widest = 0, strip = 0, longest = 0, kept = 0;
        for (Stage& stage : stages) {
            const std::size_t windows = std::size_t(group) * stage.windows, positions = windows * stage.area;
            stage.in = arena.take<V>(std::size_t(group) * stage.in_block);
            stage.from = arena.take<int32_t>(positions);
            stage.to = arena.take<int32_t>(windows);
            stage.tap = arena.take<Tap>(stage.taps);
            if (stage.before) stage.kept_before = arena.take<Bytes>(stage.outputs * positions);
            if (stage.after) stage.kept_after = arena.take<Bytes>(stage.outputs * windows);
            if (stage.area > 1) stage.winner = arena.take<Bytes>(stage.outputs * windows);
            stage.delta = arena.take<V>(std::size_t(stage.some) * stage.delta_block);
            stage.delta_at = arena.take<int32_t>(std::size_t(stage.some) * stage.positions);
            const std::size_t map = std::size_t(stage.height) * stage.width;
            stage.back_from = arena.take<int32_t>(stage.some * map);
            stage.back_to = arena.take<int32_t>(stage.some * map);
            stage.back_span = arena.take<Span>(stage.some * map);
            stage.back_tap = arena.take<Tap>(stage.outputs * stage.kernel * stage.kernel);
            for (const std::size_t features : {stage.channels * map, std::size_t(stage.features())})
                if (features > widest) widest = features;
            if (std::size_t(stage.outputs) * stage.strip > strip) strip = std::size_t(stage.outputs) * stage.strip;
            if (std::size_t(stage.strip) > longest) longest = stage.strip;
            if (stage.some * stage.positions > STRIP && std::size_t(stage.outputs) * stage.taps > kept)
                kept = std::size_t(stage.outputs) * stage.taps;
        }
        logits = arena.take<V>(std::size_t(group) * logits_block);
        for (V*& array : deltas) array = arena.take<V>(group * widest);
        sums_of_strip = arena.take<V>(strip);
        gradient_sums = arena.take<V>(kept);
        identity = arena.take<int32_t>(longest);
        columns = arena.take<int32_t>(LANES * problem.width);  // where augmented rows come from, and the rows
        pixels = arena.take<T>(LANES * problem.width);
        numbers = arena.take<double>(4 * classes);
        g = arena.take<T>(parameters);
        size = arena.size();
        for (int i = 0; arena.real() && i < int(longest); ++i) identity[i] = i;
    }

    // Where a stage finds its inputs, and where its outputs go: inputs of the next, or the logits.
    void connect(Stage& stage, const Stage* next) {
        const bool flat = next && next->height * next->width == 1 && stage.windows > 1;  // one row of features
        const int padding = next && !flat ? next->padding : 0;
        const int wide = next && !flat ? next->padded_width : stage.pooled_width;
        const int out_block = next ? next->in_block : logits_block;
        stage.out = next ? next->in : logits;
        stage.out_map = next && !flat ? next->in_map : stage.windows;
        const int margin = &stage == &stages.front() ? 0 : stage.kernel - 1 - stage.padding, k = stage.kernel;
        const int delta_width = stage.width + 2 * stage.padding - k + 1 + 2 * margin;
        int32_t *from = stage.from, *to = stage.to, *at = stage.delta_at;
        for (int block = 0; block < group; ++block)
            for (int y = 0; y < stage.pooled_height; ++y)
                for (int x = 0; x < stage.pooled_width; ++x) {
                    *to++ = block * out_block + (y + padding) * wide + x + padding;
                    for (int i = 0; i < stage.area; ++i) {
                        const int row = y * stage.pool + i / stage.pool, here = x * stage.pool + i % stage.pool;
                        *from++ = block * stage.in_block + row * stage.padded_width + here;
                        if (block < stage.some)
                            *at++ = block * stage.delta_block + (row + margin) * delta_width + here + margin;
                    }
                }
        for (int t = 0; t < stage.taps; ++t)
            stage.tap[t] = {t / (k * k) * stage.in_map + t / k % k * stage.padded_width + t % k, t};
        // Row by row of the kernel, so that an input's row has its taps side by side. A step right in the kernel is a
        // step left in the deltas.
        Tap* tap = stage.back_tap;
        for (int y = 0; y < k; ++y)
            for (int o = 0; o < stage.outputs; ++o)
                for (int x = 0; x < k; ++x)
                    *tap++ = {o * stage.delta_map + (k - 1 - y) * delta_width + k - 1 - x, o * stage.taps + y * k + x};
        const int map = stage.height * stage.width, rows = stage.pooled_height * stage.pool;
        for (int i = 0; i < stage.some * map; ++i) {
            const int block = i / map, y = i % map / stage.width, x = i % stage.width;
            stage.back_from[i] = block * stage.delta_block + y * delta_width + x;
            stage.back_to[i] = block * stage.channels * map + i % map;
            const int first = y + stage.padding - rows + 1, last = least(y + stage.padding, k - 1);
            const int a_row = stage.outputs * k;  // rows beyond what pooling keeps have deltas of zero
            stage.back_span[i] = {(first > 0 ? first : 0) * a_row, (last + 1) * a_row};
        }
    }

  public:
    Net(const ImageProblem& problem, ImageState& state)
        : problem(problem), state(state), w(static_cast<T*>(state.weights)) {
        measure();
        Arena arena(state.memory);
        lay_out(arena);
        for (std::size_t i = 0; arena.real() && i < stages.size(); ++i)
            connect(stages[i], i + 1 < stages.size() ? &stages[i + 1] : nullptr);
    }

    std::size_t memory() const { return size; }
    int samples_a_group() const { return group * LANES; }

    void train(const ImageSet& set, const ImagePiece& piece) {
        double unasked_loss = 0;
        std::int64_t unasked_correct = 0;
        double& loss = piece.loss ? *piece.loss : unasked_loss;
        std::int64_t& correct = piece.correct ? *piece.correct : unasked_correct;
        const bool dropout = piece.kept;
        if (piece.start == 0)
            for (int p = 0; p < parameters; ++p) g[p] = 0;
        for (int first = piece.start; first < piece.end; first += samples_a_group()) {
            const int samples = least(samples_a_group(), piece.end - first);
            read(set, &piece, first, samples);
            if (dropout) read_kept(piece, first, samples);
            forward(blocks_of(samples), true, dropout);
            losses(set.y, piece.order, first, samples, loss, correct, piece.batch);
            backward(blocks_of(samples), dropout);
        }
        if (piece.end < piece.batch) return;
        if (piece.squares) squares_of_gradient(piece.squares);
        if (piece.step)
            optimize(problem.optimizer, piece.lr, problem.weight_decay, problem.eps, parameters, w, g,
                     static_cast<T*>(state.first), static_cast<T*>(state.second), state.beta1_power, state.beta2_power);
    }

    // Adds the loss and the hits of samples start..end.
    void evaluate(const ImageSet& set, int start, int end, double& loss, std::int64_t& correct) {
        for (int first = start; first < end; first += samples_a_group()) {
            const int samples = least(samples_a_group(), end - first);
            read(set, nullptr, first, samples);
            forward(blocks_of(samples), false, false);
            losses(set.y, nullptr, first, samples, loss, correct, 0);
        }
    }
};

// 0, or 1 where memory ran out
template <class T, class F> int with_net(const ImageProblem* problem, ImageState* state, F f) {
    try {
        FlushDenormals scope;
        Net<T> net(*problem, *state);
        f(net);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

template <class T> int layout(const ImageProblem* problem, int64_t* found) {
    ImageState state{};
    return with_net<T>(problem, &state, [&](Net<T>& net) {
        found[0] = int64_t(net.memory());
        found[1] = net.samples_a_group();
    });
}

template <class T>
int train(const ImageProblem* problem, ImageState* state, const ImageSet* set, const ImagePiece* piece,
          int64_t pieces) {
    return with_net<T>(problem, state, [&](Net<T>& net) {
        for (int64_t i = 0; i < pieces; ++i) net.train(*set, piece[i]);
    });
}

template <class T>
int evaluate(const ImageProblem* problem, ImageState* state, const ImageSet* set, int64_t start, int64_t end,
             double* loss, int64_t* correct) {
    return with_net<T>(problem, state, [&](Net<T>& net) { net.evaluate(*set, int(start), int(end), *loss, *correct); });
}

}  // namespace

// Each returns 0, or 1 where memory ran out.
extern "C" {

// found[0]: bytes of a run's memory; found[1]: samples in a group, at multiples of which pieces and evaluations divide.
int image_layout_float32(const ImageProblem* problem, int64_t* found) { return layout<float>(problem, found); }
int image_layout_float64(const ImageProblem* problem, int64_t* found) { return layout<double>(problem, found); }

// Goes through pieces of batches, one after the other, forward and backward.
int image_train_float32(const ImageProblem* problem, ImageState* state, const ImageSet* set, const ImagePiece* piece,
                        int64_t pieces) {
    return train<float>(problem, state, set, piece, pieces);
}
int image_train_float64(const ImageProblem* problem, ImageState* state, const ImageSet* set, const ImagePiece* piece,
                        int64_t pieces) {
    return train<double>(problem, state, set, piece, pieces);
}

// Adds to `loss` and `correct` those of the samples start..end, without dropout; the sum, not the mean.
int image_evaluate_float32(const ImageProblem* problem, ImageState* state, const ImageSet* set, int64_t start,
                           int64_t end, double* loss, int64_t* correct) {
    return evaluate<float>(problem, state, set, start, end, loss, correct);
}
int image_evaluate_float64(const ImageProblem* problem, ImageState* state, const ImageSet* set, int64_t start,
                           int64_t end, double* loss, int64_t* correct) {
    return evaluate<double>(problem, state, set, start, end, loss, correct);
}

// The structures, for Python to compare with its own.
const Member* image_members() {
    static const Member found[] = {
        STRUCTURE(ImageStage),
        MEMBER(ImageStage, channels), MEMBER(ImageStage, height), MEMBER(ImageStage, width),
        MEMBER(ImageStage, kernel), MEMBER(ImageStage, padding), MEMBER(ImageStage, outputs),
        MEMBER(ImageStage, activation), MEMBER(ImageStage, pool), MEMBER(ImageStage, before),
        MEMBER(ImageStage, after), MEMBER(ImageStage, p_before), MEMBER(ImageStage, p_after),
        STRUCTURE(ImageProblem),
        MEMBER(ImageProblem, stages), MEMBER(ImageProblem, weight_decay), MEMBER(ImageProblem, eps),
        MEMBER(ImageProblem, count), MEMBER(ImageProblem, channels), MEMBER(ImageProblem, height),
        MEMBER(ImageProblem, width), MEMBER(ImageProblem, batch), MEMBER(ImageProblem, output),
        MEMBER(ImageProblem, loss), MEMBER(ImageProblem, optimizer),
        STRUCTURE(ImageState),
        MEMBER(ImageState, weights), MEMBER(ImageState, first), MEMBER(ImageState, second),
        MEMBER(ImageState, memory), MEMBER(ImageState, beta1_power), MEMBER(ImageState, beta2_power),
        STRUCTURE(ImageSet),
        MEMBER(ImageSet, x), MEMBER(ImageSet, y),
        STRUCTURE(ImagePiece),
        MEMBER(ImagePiece, order), MEMBER(ImagePiece, top), MEMBER(ImagePiece, left), MEMBER(ImagePiece, flip),
        MEMBER(ImagePiece, kept), MEMBER(ImagePiece, loss), MEMBER(ImagePiece, correct), MEMBER(ImagePiece, squares),
        MEMBER(ImagePiece, lr), MEMBER(ImagePiece, batch), MEMBER(ImagePiece, start), MEMBER(ImagePiece, end),
        MEMBER(ImagePiece, step),
        NO_MORE_MEMBERS,
    };
    return found;
}
}
