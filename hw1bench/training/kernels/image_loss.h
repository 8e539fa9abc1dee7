// The loss of the image kernel: cross-entropy or negative log-likelihood, after the net's softmax or log-softmax if it
// has one; in double, sample by sample.

#pragma once

#include <cmath>

#include "image_net.h"

namespace {

enum Output { PLAIN, SOFTMAX, LOG_SOFTMAX };
enum Loss { CROSS_ENTROPY, NEGATIVE_LOG_LIKELIHOOD };

// The sums to which losses and correct predictions are added.
struct Tally {
    double& loss;
    std::int64_t& correct;
};

template <class T> class ClassLoss : Vectors<T> {
    using Vectors<T>::LANES;

    const StagedNet<T>& net;

    // Writes the log-softmax of z to out, both (classes,).
    void log_softmax(const double* z, double* out) const {
        const int classes = net.classes;
        double top = z[0], total = 0;
        for (int c = 1; c < classes; ++c)
            if (z[c] > top || z[c] != z[c]) top = z[c];
        for (int c = 0; c < classes; ++c) total += std::exp(z[c] - top);
        const double shift = top + std::log(total);
        for (int c = 0; c < classes; ++c) out[c] = z[c] - shift;
    }

    // The class with the largest output; the first such class if there are several.
    int predicted(const double* out) const {
        int best = 0;
        for (int c = 1; c < net.classes; ++c)  // compared in T, as torch does; NaN is the largest
            if (T(out[c]) > T(out[best]) || (out[c] != out[c] && out[best] == out[best])) best = c;
        return best;
    }

    // Adds a sample's loss, and 1 to `correct` if its prediction is correct. If `delta` is given, it receives the
    // derivatives of the loss by z, divided by `batch`. Both z and delta have a stride of LANES.
    void sample(const T* z, int target, Tally tally, T* delta, int batch) const {
        const int classes = net.classes, output = net.problem.output;
        double *const in = net.numbers, *const out = in + classes, *const log_p = in + 2 * classes;
        double* const d = in + 3 * classes;
        for (int c = 0; c < classes; ++c) in[c] = out[c] = double(z[c * LANES]);
        if (output != PLAIN) log_softmax(in, out);
        if (output == SOFTMAX)
            for (int c = 0; c < classes; ++c) out[c] = std::exp(out[c]);
        tally.correct += predicted(out) == target;
        const bool cross_entropy = net.problem.loss == CROSS_ENTROPY;
        if (cross_entropy) log_softmax(out, log_p);
        tally.loss -= (cross_entropy ? log_p : out)[target];
        if (!delta) return;
        double total = 0;
        for (int c = 0; c < classes; ++c) {
            d[c] = ((cross_entropy ? std::exp(log_p[c]) : 0.0) - (c == target)) / batch;
            total += output == SOFTMAX ? d[c] * out[c] : d[c];
        }
        for (int c = 0; c < classes; ++c) {
            double value = d[c];
            if (output == SOFTMAX) value = out[c] * (value - total);
            if (output == LOG_SOFTMAX) value -= std::exp(out[c]) * total;
            delta[c * LANES] = T(value);
        }
    }

  public:
    explicit ClassLoss(const StagedNet<T>& net) : net(net) {}

    // Adds the losses and the correct predictions of the group's samples, from the logits. If `batch` > 0, writes the
    // deltas of the mean loss over `batch` samples to deltas[0].
    void group(const int32_t* y, const int32_t* order, int first, int samples, Tally tally, int batch) const {
        const int classes = net.classes;
        for (int lane = 0; lane < net.blocks_of(samples) * LANES; ++lane) {
            const std::ptrdiff_t at = std::ptrdiff_t(lane / LANES) * classes * LANES + lane % LANES;
            T* delta = reinterpret_cast<T*>(net.deltas[0]) + at;
            if (lane < samples) {
                const int target = y[order ? order[first + lane] : first + lane];
                sample(reinterpret_cast<const T*>(net.logits) + at, target, tally, batch ? delta : nullptr, batch);
            } else if (batch) {
                for (int c = 0; c < classes; ++c) delta[c * LANES] = 0;
            }
        }
    }
};

}  // namespace
