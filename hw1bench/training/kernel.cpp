// Trains one small dense net from numbers to numbers on one thread: forward, backward, optimiser and history.
//
// Batches: samples in tiles that stay in the first-level cache, features x samples, a vector along the samples. Sums of
// several outputs and vectors of samples are kept in registers; the weights' gradient is summed as vectors over the
// tiles and folded to numbers once a step. Single samples (batch size 1): vectors along the features, no tiles.
// Weights, gradient and moments are flat, in torch's order: layer by layer, weight (outputs, inputs) before bias.
//
// The source is compiled once per instruction set, which sets the width of a vector. Sums are taken in a fixed order,
// so a library repeats its results bit for bit; two libraries do not agree on the last bits.

#include "kernel_vectors.h"

#include <cstring>
#include <new>
#include <vector>

extern "C" {

// What is trained, shared by the runs of a block. T below is float or double, by the function that is called.
struct Problem {
    const int32_t* widths;  // (layers + 1,): inputs, hidden widths, outputs
    const void* x;          // T (inputs, samples)
    const void* y;          // T (outputs, samples)
    double lr, weight_decay, eps;
    int64_t epochs;      // at the end of training
    int32_t layers;      // with weights
    int32_t activation;  // of hidden layers: 1 relu, 2 leaky relu with slope 0.01, 3 tanh
    int32_t output;      // 0 linear, 3 tanh
    int32_t optimizer;   // 0 SGD, 1 Adam, 2 RMSprop
    int32_t samples;
    int32_t batch;  // 0: the whole set at once
};

// What training changes. At the start: the initial weights, moments 0, next_epoch 0, both powers 1.
struct State {
    void *weights, *first, *second;  // T (parameters,): second moments in `second`, Adam's first ones in `first`
    void* train_loss;                // T (epochs + 1,)
    void* gradient_norm;             // T (epochs + 1,) or null
    void* prediction;                // T (outputs, samples), written at the end of training
    int64_t next_epoch;
    double beta1_power, beta2_power;  // beta^steps
};
}

namespace {

template <Activation A> using constant = std::integral_constant<Activation, A>;

// Blocks of sums in registers: rows x columns accumulators, a column's operand and a broadcast fit the register file.
#if defined(__AVX512F__)
constexpr int ROWS = 5, COLUMNS = 4, INPUTS = 5;
#elif defined(__AVX2__)
constexpr int ROWS = 5, COLUMNS = 2, INPUTS = 2;
#else
constexpr int ROWS = 5, COLUMNS = 2, INPUTS = 2;
#endif

constexpr int ALIGNMENT = 64;
constexpr int MIN_TILE = 64, MAX_TILE = 256;  // samples
constexpr std::size_t CACHE = 64 * 1024;      // bytes of activations and deltas in a tile, if that leaves MIN_TILE
constexpr int round_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

template <class T> class Run : Vectors<T> {
    using Base = Vectors<T>;
    using typename Base::V;
    using typename Base::Integer;
    using typename Base::Mask;
    using Base::LANES, Base::splat, Base::tanh_of, Base::activate, Base::derive;
    typedef T Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(alignof(T)), may_alias));

    struct Layer {
        int in, out;
        int weight, bias;      // where they start in the flat arrays
        Activation activation;
    };

    static V load(const T* p) { return *reinterpret_cast<const Unaligned*>(p); }
    static void store(T* p, V v) { *reinterpret_cast<Unaligned*>(p) = v; }
    // In the order of the lanes, in double: a loss, or a norm, over many samples.
    static double sum(V v) {
        double total = 0;
        for (int j = 0; j < LANES; ++j) total += v[j];
        return total;
    }

    // ---- a tile of samples: rows of features, `stride` vectors apart

    // f(block[r][c], r, c), unrolled so that the block lies in registers
    template <int R, int C, class F> static void each(V (&block)[R][C], F f) {
        UNROLL for (int r = 0; r < R; ++r)
            UNROLL for (int c = 0; c < C; ++c) f(block[r][c], r, c);
    }

    // finish(sums, row, column) for blocks of sums[r][c] = bias[r] + sum_k w[r * by_row + k * by_k] * in[k][c]
    template <class Finish>
    void products(int rows, int vectors, int depth, const T* w, std::ptrdiff_t by_row, std::ptrdiff_t by_k,
                  const T* bias, const V* in, Finish finish) const {
        const std::ptrdiff_t step = stride;
        for (int column = 0; column < vectors; column += COLUMNS)
            with_constant<COLUMNS>(vectors - column, [&](auto columns_here) {
                constexpr int C = columns_here;
                for (int row = 0; row < rows; row += ROWS)
                    with_constant<ROWS>(rows - row, [&](auto rows_here) {
                        constexpr int R = rows_here;
                        V total[R][C];
                        each(total, [&](V& sum, int r, int) { sum = bias ? splat(bias[row + r]) : V{}; });
                        const T* weight = w + row * by_row;
                        const V* h = in + column;
                        for (int k = 0; k < depth; ++k, weight += by_k, h += step)
                            each(total, [&](V& sum, int r, int c) { sum += weight[r * by_row] * h[c]; });
                        finish(total, row, column);
                    });
            });
    }

    void forward(const Layer& layer, const V* in, V* out, int vectors) const {
        products(layer.out, vectors, layer.in, w + layer.weight, layer.in, 1, w + layer.bias, in,
                 [&](auto& total, int row, int column) {
                     const auto write = [&](auto activation) {
                         each(total, [&](V& sum, int r, int c) {
                             out[(row + r) * stride + column + c] = activate(activation, sum);
                         });
                     };
                     if (layer.activation == RELU) write(constant<RELU>{});
                     else if (layer.activation == LEAKY_RELU) write(constant<LEAKY_RELU>{});
                     else write(constant<LINEAR>{});
                 });
        if (layer.activation == TANH)  // in a pass of its own: too large to repeat for every size of block
            for (int r = 0; r < layer.out; ++r)
                for (int c = 0; c < vectors; ++c) out[r * stride + c] = tanh_of(out[r * stride + c]);
    }

    // Deltas of the layer below, whose activations are h.
    void backward(const Layer& layer, Activation below, const V* delta, const V* h, V* out, int vectors) const {
        products(layer.in, vectors, layer.out, w + layer.weight, 1, layer.in, nullptr, delta,
                 [&](auto& total, int row, int column) {
                     const auto write = [&](auto activation) {
                         each(total, [&](V& sum, int r, int c) {
                             const std::ptrdiff_t at = (row + r) * stride + column + c;
                             out[at] = derive(activation, h[at], sum);
                         });
                     };
                     if (below == RELU) write(constant<RELU>{});
                     else if (below == LEAKY_RELU) write(constant<LEAKY_RELU>{});
                     else write(constant<TANH>{});
                 });
    }

    // Adds the tile to the gradient's sums, which hold a vector for each parameter; the first tile sets them.
    void accumulate(const Layer& layer, const V* delta, const V* h, int vectors, bool first_tile) {
        const std::ptrdiff_t step = stride;
        V* const sums_of = reinterpret_cast<V*>(partial);
        for (int row = 0; row < layer.out; row += ROWS)
            with_constant<ROWS>(layer.out - row, [&](auto rows_here) {
                constexpr int R = rows_here;
                const V* d = delta + row * step;
                V bias[R];
                UNROLL for (int r = 0; r < R; ++r) bias[r] = first_tile ? V{} : sums_of[layer.bias + row + r];
                for (int v = 0; v < vectors; ++v)
                    UNROLL for (int r = 0; r < R; ++r) bias[r] += d[r * step + v];
                UNROLL for (int r = 0; r < R; ++r) sums_of[layer.bias + row + r] = bias[r];
                for (int column = 0; column < layer.in; column += INPUTS)
                    with_constant<INPUTS>(layer.in - column, [&](auto columns_here) {
                        constexpr int C = columns_here;
                        const V* in = h + column * step;
                        V* to = sums_of + layer.weight + row * layer.in + column;
                        V total[R][C];
                        each(total, [&](V& sum, int r, int c) { sum = first_tile ? V{} : to[r * layer.in + c]; });
                        for (int v = 0; v < vectors; ++v)
                            each(total, [&](V& sum, int r, int c) { sum += d[r * step + v] * in[c * step + v]; });
                        each(total, [&](V& sum, int r, int c) { to[r * layer.in + c] = sum; });
                    });
            });
    }

    // ---- a tile of a net 1 -> units -> 1, piecewise linear: computing the units twice costs less than storing them

    template <Activation A> void narrow_forward(const V* in, V* out, int vectors) const {
        const int units = layers[0].out;
        const T *slope = w, *offset = slope + units, *factor = offset + units, *bias = factor + units;
        for (int column = 0; column < vectors; column += COLUMNS)
            with_constant<COLUMNS>(vectors - column, [&](auto columns_here) {
                constexpr int C = columns_here;
                V even[1][C], odd[1][C];
                const auto add = [&](V& sum, int u, int c) {
                    const V value = slope[u] * in[column + c] + offset[u];
                    sum += factor[u] * derive(A, value, value);  // which is the activation, too
                };
                each(even, [&](V& sum, int, int) { sum = splat(*bias); });
                each(odd, [&](V& sum, int, int) { sum = V{}; });
                int u = 0;
                for (; u + 1 < units; u += 2) {
                    each(even, [&](V& sum, int, int c) { add(sum, u, c); });
                    each(odd, [&](V& sum, int, int c) { add(sum, u + 1, c); });
                }
                if (u < units) each(even, [&](V& sum, int, int c) { add(sum, u, c); });
                each(even, [&](V& sum, int, int c) { out[column + c] = sum + odd[0][c]; });
            });
    }

    template <Activation A> void narrow_accumulate(const V* delta, const V* in, int vectors, bool first_tile) {
        const int units = layers[0].out;
        const T *slope = w, *offset = slope + units, *factor = offset + units;
        V* const sums_of = reinterpret_cast<V*>(partial);
        if (first_tile) std::memset(partial, 0, std::size_t(parameters) * sizeof(V));
        for (int v = 0; v < vectors; ++v) sums_of[3 * units] += delta[v];
        for (int unit = 0; unit < units; unit += COLUMNS)
            with_constant<COLUMNS>(units - unit, [&](auto units_here) {
                constexpr int U = units_here;
                V total[3][U]{};
                for (int v = 0; v < vectors; ++v)
                    UNROLL for (int u = 0; u < U; ++u) {
                        const V value = slope[unit + u] * in[v] + offset[unit + u];
                        const V below = derive(A, value, delta[v]);  // but for the factor, which is the same throughout
                        total[0][u] += below * in[v];
                        total[1][u] += below;
                        total[2][u] += below * value;
                    }
                UNROLL for (int u = 0; u < U; ++u) {
                    sums_of[unit + u] += total[0][u] * factor[unit + u];
                    sums_of[units + unit + u] += total[1][u] * factor[unit + u];
                    sums_of[2 * units + unit + u] += total[2][u];
                }
            });
    }

    // ---- a batch

    // Mean loss of the samples in `order` (null: the first `count`), in tiles; with `gradient`, also that.
    double tiles(const int32_t* order, int count, bool gradient, T* prediction = nullptr) {
        const int inputs = layers.front().in, outputs = layers.back().out;
        stride = count < capacity * LANES ? round_up(count, LANES) / LANES : capacity;
        const int size = stride * LANES;
        const T scale = T(2.0 / (double(count) * outputs));
        V loss{};
        for (int start = 0; start < count; start += size) {
            const int here = count - start < size ? count - start : size, vectors = round_up(here, LANES) / LANES;
            // The last sample fills the last vector: what is infinite there is infinite in a sample that counts.
            const auto gather = [&](const T* from, int rows, T* to) {
                for (int r = 0; r < rows; ++r, from += problem.samples, to += size) {
                    if (order) for (int s = 0; s < here; ++s) to[s] = from[order[start + s]];
                    else for (int s = 0; s < here; ++s) to[s] = from[start + s];
                    for (int s = here; s < vectors * LANES; ++s) to[s] = to[here - 1];
                }
            };
            gather(x, inputs, activations);
            gather(y, outputs, targets);
            V* h = reinterpret_cast<V*>(activations);
            if (narrow) {
                if (layers[0].activation == RELU) narrow_forward<RELU>(h, h + stride, vectors);
                else narrow_forward<LEAKY_RELU>(h, h + stride, vectors);
                h += stride;
                for (int v = 0; v < vectors; ++v) h[v] = activate(layers[1].activation, h[v]);
            } else {
                for (const Layer& layer : layers) {
                    forward(layer, h, h + layer.in * stride, vectors);
                    h += layer.in * stride;
                }
            }
            if (prediction)
                for (int r = 0; r < outputs; ++r)
                    std::memcpy(prediction + r * std::ptrdiff_t(problem.samples) + start, h + r * stride,
                                here * sizeof(T));
            V *delta = reinterpret_cast<V*>(deltas), *below = delta + widest * stride;
            for (int r = 0; r < outputs; ++r)
                for (int v = 0; v < vectors; ++v) {
                    const Mask counts = lane + v * LANES < Integer(here);
                    const V value = h[r * stride + v];
                    const V error = counts ? value - reinterpret_cast<V*>(targets)[r * stride + v] : V{};
                    loss += error * error;
                    delta[r * stride + v] = derive(layers.back().activation, value, error * scale);
                }
            if (!gradient) continue;
            if (narrow) {
                if (layers[0].activation == RELU) narrow_accumulate<RELU>(delta, h - stride, vectors, start == 0);
                else narrow_accumulate<LEAKY_RELU>(delta, h - stride, vectors, start == 0);
                continue;
            }
            for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
                h -= layer->in * stride;
                accumulate(*layer, delta, h, vectors, start == 0);
                if (layer->weight == 0) break;
                backward(*layer, layer[1].activation, delta, h, below, vectors);
                std::swap(delta, below);
            }
        }
        if (gradient)
            for (int p = 0; p < padded; p += LANES) {
                V rows[LANES];
                UNROLL for (int j = 0; j < LANES; ++j) rows[j] = reinterpret_cast<const V*>(partial)[p + j];
                store(g + p, Base::template sums<LANES>(rows));
            }
        return sum(loss) / (double(count) * outputs);
    }

    // ---- a sample: a vector's lanes are features. One that reaches past the end of a row multiplies what it finds
    // there by the zeros that end every layer's features and deltas.

    // Lane 0: the sum of a[i] * b[i]; the other lanes: 0. Four sums at once, as one would wait for itself.
    static V dot(const T* a, const T* b, int count) {
        V total[4]{};
        int i = 0;
        for (; i + 3 * LANES < count; i += 4 * LANES)
            UNROLL for (int j = 0; j < 4; ++j) total[j] += load(a + i + j * LANES) * load(b + i + j * LANES);
        for (; i < count; i += LANES) total[0] += load(a + i) * load(b + i);
        V all = (total[0] + total[1]) + (total[2] + total[3]);
        return Base::template sums<1>(&all);
    }

    V only(int count, V v) const { return lane < Integer(count) ? v : V{}; }

    void forward(const Layer& layer, const T* h, T* out) const {
        const T *weight = w + layer.weight, *bias = w + layer.bias;
        const auto finish = [&](int o, V total) {
            store(out + o, only(layer.out - o, activate(layer.activation, total + load(bias + o))));
        };
        if (layer.in == 1)
            for (int o = 0; o < layer.out; o += LANES) finish(o, load(weight + o) * h[0]);
        else if (layer.out == 1)
            finish(0, dot(weight, h, layer.in));
        else
            for (int o = 0; o < layer.out; o += LANES, weight += LANES * layer.in)
                with_constant<LANES>(layer.out - o, [&](auto rows_here) {
                    constexpr int R = rows_here;
                    V rows[R];
                    const V start = load(h);
                    UNROLL for (int r = 0; r < R; ++r) rows[r] = load(weight + r * layer.in) * start;
                    for (int i = LANES; i < layer.in; i += LANES) {
                        const V value = load(h + i);
                        UNROLL for (int r = 0; r < R; ++r) rows[r] += load(weight + r * layer.in + i) * value;
                    }
                    finish(o, Base::template sums<R>(rows));
                });
    }

    // Deltas of the layer below, whose features are h.
    void backward(const Layer& layer, Activation below, const T* delta, const T* h, T* out) const {
        const T* weight = w + layer.weight;
        const auto finish = [&](int i, V total) {
            store(out + i, only(layer.in - i, derive(below, load(h + i), total)));
        };
        if (layer.in == 1) return finish(0, dot(weight, delta, layer.out));
        for (int i = 0; i < layer.in; i += LANES, weight += LANES) {
            V even{}, odd{};
            const T* row = weight;
            int o = 0;
            for (; o + 1 < layer.out; o += 2, row += 2 * layer.in) {
                even += delta[o] * load(row);
                odd += delta[o + 1] * load(row + layer.in);
            }
            if (o < layer.out) even += delta[o] * load(row);
            finish(i, even + odd);
        }
    }

    // Writes the layer's gradient, and past its end: layers come in ascending order, and the last has `slack` to spare.
    void outer(const Layer& layer, const T* delta, const T* h) {
        T* to = g + layer.weight;
        if (layer.in == 1) {
            for (int o = 0; o < layer.out; o += LANES) store(to + o, load(delta + o) * h[0]);
        } else if (layer.in <= LANES) {
            const V value = load(h);
            for (int o = 0; o < layer.out; ++o, to += layer.in) store(to, delta[o] * value);
        } else {
            for (int o = 0; o < layer.out; ++o, to += layer.in)
                for (int i = 0; i < layer.in; i += LANES) store(to + i, delta[o] * load(h + i));
        }
        for (int o = 0; o < layer.out; o += LANES) store(g + layer.bias + o, load(delta + o));
    }

    // The gradient of one sample's loss. Where `pending`, the step from the gradient in g is taken on the way: each
    // layer's while the layer before computes, as divisions and square roots keep other units busy than that does.
    void single(int sample, bool pending) {
        int updated = 0;
        const auto update_through = [&](std::size_t l) {
            if (!pending || l == layers.size()) return;
            const int end = round_up(layers[l].bias + layers[l].out, LANES);
            update(updated, end);
            updated = end;
        };
        if (pending) prepare();
        update_through(0);
        T* h = features;
        for (int i = 0; i < layers.front().in; ++i) h[i] = x[i * std::ptrdiff_t(problem.samples) + sample];
        for (std::size_t l = 0; l < layers.size(); ++l) {
            update_through(l + 1);
            T* out = h + round_up(layers[l].in, LANES);
            forward(layers[l], h, out);
            h = out;
        }
        const int outputs = layers.back().out;
        T* delta = feature_deltas + (h - features);
        for (int o = 0; o < outputs; o += LANES) {
            V target{};
            for (int j = 0; j < LANES && o + j < outputs; ++j)
                target[j] = y[(o + j) * std::ptrdiff_t(problem.samples) + sample];
            const V value = load(h + o);
            store(delta + o, derive(layers.back().activation, value, (value - target) * T(2.0 / outputs)));
        }
        for (std::size_t l = layers.size() - 1; l > 0; --l) {
            T* below = delta - round_up(layers[l].in, LANES);
            h -= round_up(layers[l].in, LANES);
            backward(layers[l], layers[l - 1].activation, delta, h, below);
            delta = below;
        }
        h = features;
        for (const Layer& layer : layers) {
            outer(layer, delta, h);
            h += round_up(layer.in, LANES);
            delta += round_up(layer.out, LANES);
        }
    }

    // ---- a step

    // The optimiser's step from the gradient in g, as torch.optim takes it.
    void step() {
        prepare();
        update(0, padded);
    }

    // Begins a step: Adam's corrections.
    void prepare() {
        if (problem.optimizer != ADAM) return;
        state.beta1_power *= BETA1;
        state.beta2_power *= BETA2;
        if (state.beta1_power < 1e-30) state.beta1_power = 0;  // before it turns denormal
        if (state.beta2_power < 1e-30) state.beta2_power = 0;
        rate = T(problem.lr / (1 - state.beta1_power));
        correction = T(1 / std::sqrt(1 - state.beta2_power));
    }

    // The step for parameters from..to, both multiples of LANES.
    void update(int from, int to) {
        const T decay = T(problem.weight_decay), lr = T(problem.lr), eps = T(problem.eps);
        const T rate = this->rate, correction = this->correction;
        const int blocks = (to - from) / LANES;  // says that no lanes are left over
        T* __restrict weight = w + from;
        T* __restrict m = first + from;
        T* __restrict s = second + from;
        const T* __restrict gradient = g + from;
        const auto every = [&](auto f) {
            for (int p = 0; p < blocks * LANES; ++p) f(weight[p], m[p], s[p], gradient[p] + decay * weight[p]);
        };
        if (problem.optimizer == SGD)
            every([&](T& weight, T&, T&, T d) { weight -= lr * d; });
        else if (problem.optimizer == RMSPROP)
            every([&](T& weight, T&, T& s, T d) {
                s = s * T(ALPHA) + d * d * T(1 - ALPHA);
                weight -= lr * (d / (std::sqrt(s) + eps));
            });
        else
            every([&](T& weight, T& m, T& s, T d) {
                m += (d - m) * T(1 - BETA1);
                s = s * T(BETA2) + d * d * T(1 - BETA2);
                weight -= rate * (m / (std::sqrt(s) * correction + eps));
            });
    }

    // Loss and, where asked for, gradient norm over the whole set into place `epoch` of the histories.
    void record(std::int64_t epoch, bool gradient, T* prediction = nullptr) {
        T* norm = static_cast<T*>(state.gradient_norm);
        static_cast<T*>(state.train_loss)[epoch] = T(tiles(nullptr, problem.samples, gradient || norm, prediction));
        if (!norm) return;
        double total = 0;
        for (int p = 0; p < parameters; ++p) total += double(g[p]) * g[p];
        norm[epoch] = T(std::sqrt(total));
    }

    const Problem& problem;
    State& state;
    const T *x, *y;
    std::vector<Layer> layers;
    bool narrow;  // 1 -> units -> 1, piecewise linear
    int parameters = 0, padded = 0, widest = 0;
    int capacity, stride;  // of a tile, and of the tiles of this batch: vectors
    std::vector<unsigned char> memory;
    T *w, *first, *second, *g;  // (padded + slack,): read and written past the end
    T *partial;                 // (padded, LANES)
    T *activations, *targets, *deltas;  // of a tile
    T *features, *feature_deltas;       // of a sample, every layer at the start of a vector
    Mask lane;                          // 0, 1, 2, ...
    T rate = 0, correction = 0;         // of Adam's step

  public:
    Run(const Problem& problem, State& state)
        : problem(problem), state(state), x(static_cast<const T*>(problem.x)), y(static_cast<const T*>(problem.y)) {
        int rows = problem.widths[0], padded_rows = round_up(rows, LANES), slack = LANES;
        widest = rows;
        for (int l = 0; l < problem.layers; ++l) {
            const int in = problem.widths[l], out = problem.widths[l + 1];
            const bool last = l + 1 == problem.layers;
            layers.push_back({in, out, parameters, parameters + in * out,
                              Activation(last ? problem.output : problem.activation)});
            parameters += (in + 1) * out;
            rows += out;
            padded_rows += round_up(out, LANES);
            if (out > widest) widest = out;
            if (LANES * (in + 1) > slack) slack = LANES * (in + 1);
        }
        narrow = problem.layers == 2 && problem.widths[0] == 1 && problem.widths[2] == 1 && problem.activation != TANH;
        if (narrow) rows = 2, widest = 1;  // no tile holds the units
        padded = round_up(parameters, LANES);
        const int unit = round_up(MIN_TILE, COLUMNS * LANES) / LANES, most = MAX_TILE / LANES;
        const int fit = int(CACHE / (VECTOR_BYTES * std::size_t(rows + 2 * widest)));
        capacity = fit < unit ? unit : (fit < most ? fit : most) / unit * unit;
        for (int j = 0; j < LANES; ++j) lane[j] = j;

        const std::size_t flat = padded + slack, tile = std::size_t(capacity) * LANES;
        const std::pair<T**, std::size_t> arrays[] = {
            {&w, flat}, {&first, flat}, {&second, flat}, {&g, flat}, {&partial, std::size_t(padded) * LANES},
            {&activations, rows * tile}, {&targets, layers.back().out * tile}, {&deltas, 2 * widest * tile},
            {&features, padded_rows}, {&feature_deltas, padded_rows}};
        std::size_t total = ALIGNMENT;
        for (const auto& [array, size] : arrays) total += size * sizeof(T) + ALIGNMENT;
        memory.resize(total);  // with zeros
        std::uintptr_t at = reinterpret_cast<std::uintptr_t>(memory.data());
        for (const auto& [array, size] : arrays) {
            at = (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            *array = reinterpret_cast<T*>(at);
            at += size * sizeof(T);
        }
        copy(true);
    }

    void copy(bool in) {
        void* const outside[] = {state.weights, state.first, state.second};
        T* const inside[] = {w, first, second};
        for (int i = 0; i < 3; ++i)
            for (int p = 0; p < parameters; ++p) {
                T& there = static_cast<T*>(outside[i])[p];
                if (in) inside[i][p] = there;
                else there = inside[i][p];
            }
    }

    void train(const int32_t* order, std::int64_t epochs) {
        const int batch = problem.batch;
        if (batch && state.next_epoch == 0) record(0, false);
        for (std::int64_t e = 0; e < epochs; ++e) {
            if (!batch) {
                record(state.next_epoch++, true);
                step();
                continue;
            }
            for (int start = 0; start < problem.samples; start += batch) {
                const int count = problem.samples - start < batch ? problem.samples - start : batch;
                const bool pending = start > 0;  // the step from the batch before
                if (count == 1) {
                    single(order[start], pending);
                } else {
                    if (pending) step();
                    tiles(order + start, count, true);
                }
            }
            step();
            order += problem.samples;
            record(++state.next_epoch, false);
        }
        if (state.next_epoch == problem.epochs) record(problem.epochs, false, static_cast<T*>(state.prediction));
        copy(false);
    }
};

template <class T> int train(const Problem* problem, State* state, const int32_t* order, std::int64_t epochs) {
    try {
        FlushDenormals scope;
        Run<T>(*problem, *state).train(order, epochs);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

}  // namespace

extern "C" {

// Trains `epochs` epochs more; `order` (epochs, samples) int32 for minibatches. Returns 0, or 1 where memory ran out.
int train_float32(const Problem* problem, State* state, const int32_t* order, int64_t epochs) {
    return train<float>(problem, state, order, epochs);
}

int train_float64(const Problem* problem, State* state, const int32_t* order, int64_t epochs) {
    return train<double>(problem, state, order, epochs);
}

// The structures, for Python to compare with its own.
const Member* members() {
    static const Member found[] = {
        STRUCTURE(Problem),
        MEMBER(Problem, widths), MEMBER(Problem, x), MEMBER(Problem, y), MEMBER(Problem, lr),
        MEMBER(Problem, weight_decay), MEMBER(Problem, eps), MEMBER(Problem, epochs), MEMBER(Problem, layers),
        MEMBER(Problem, activation), MEMBER(Problem, output), MEMBER(Problem, optimizer), MEMBER(Problem, samples),
        MEMBER(Problem, batch),
        STRUCTURE(State),
        MEMBER(State, weights), MEMBER(State, first), MEMBER(State, second), MEMBER(State, train_loss),
        MEMBER(State, gradient_norm), MEMBER(State, prediction), MEMBER(State, next_epoch),
        MEMBER(State, beta1_power), MEMBER(State, beta2_power),
        NO_MORE_MEMBERS,
    };
    return found;
}

// What compiled this library, and how: the compiler's name and version, and a digest of its options.
const char* build() { return __VERSION__ " " BUILD_OPTIONS; }

// The SHA-256 of the source that this library was compiled from.
const char* source_digest() { return SOURCE_DIGEST; }

// How many of the instruction sets baseline, avx2, avx512 this processor has, each including those before.
int instruction_sets() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 1;
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    return wide ? 3 : 2;
#else
    return 1;
#endif
}
}
