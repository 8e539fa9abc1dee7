// The optimisers of torch.optim, on flat arrays of parameters.

#pragma once

#include <cmath>

namespace {

enum Method { SGD, ADAM, RMSPROP };

constexpr double BETA1 = 0.9, BETA2 = 0.999, ALPHA = 0.99;  // torch's defaults
constexpr double NO_POWER = 1e-30;  // smaller powers of a beta are set to zero: 1 - power has long been 1

// One optimiser step: its constants are computed first; then it is applied to any ranges of the parameters.
template <class T> class OptimizerStep {
    int method = SGD;
    T lr = 0, decay = 0, eps = 0;
    T rate = 0, correction = 0;  // Adam's bias corrections: the learning rate, and a factor of the second moment's root

    // Advances beta^steps by a step. It becomes zero before it is denormal, which would be slow.
    static void advance(double& power, double beta) {
        power *= beta;
        if (power < NO_POWER) power = 0;
    }

  public:
    OptimizerStep() = default;

    OptimizerStep(int method, double lr, double weight_decay, double eps, double& beta1_power, double& beta2_power)
        : method(method), lr(T(lr)), decay(T(weight_decay)), eps(T(eps)) {
        if (method != ADAM) return;
        advance(beta1_power, BETA1);
        advance(beta2_power, BETA2);
        rate = T(lr / (1 - beta1_power));
        correction = T(1 / std::sqrt(1 - beta2_power));
    }

    // Applies the step to `units` * Unit parameters: with the lanes of a vector as Unit, the loop has no remainder.
    template <int Unit = 1>
    void apply(int units, T* __restrict weight, const T* __restrict gradient, T* __restrict first,
              T* __restrict second) const {
        const T lr = this->lr, decay = this->decay, eps = this->eps;
        const T rate = this->rate, correction = this->correction;
        const auto every = [&](auto f) {
            for (int p = 0; p < units * Unit; ++p)
                f(weight[p], first[p], second[p], gradient[p] + decay * weight[p]);
        };
        if (method == SGD)
            every([&](T& w, T&, T&, T d) { w -= lr * d; });
        else if (method == RMSPROP)
            every([&](T& w, T&, T& s, T d) {
                s = s * T(ALPHA) + d * d * T(1 - ALPHA);
                w -= lr * (d / (std::sqrt(s) + eps));
            });
        else
            every([&](T& w, T& m, T& s, T d) {
                m += (d - m) * T(1 - BETA1);
                s = s * T(BETA2) + d * d * T(1 - BETA2);
                w -= rate * (m / (std::sqrt(s) * correction + eps));
            });
    }
};

}  // namespace
