// The optimisers of torch.optim, on numbers and on vectors of numbers.

#pragma once

#include <cmath>
#include <type_traits>

#include "vectors.h"

namespace {

enum Method { SGD, ADAM, RMSPROP };

constexpr double BETA1 = 0.9, BETA2 = 0.999, ALPHA = 0.99;  // torch's defaults
constexpr double NO_POWER = 1e-30;  // smaller powers of a beta are set to zero: 1 - power has long been 1

// Calls f with `method` as a constant.
template <class F> inline void with_method(int method, F&& f) {
    if (method == SGD) f(std::integral_constant<Method, SGD>{});
    else if (method == RMSPROP) f(std::integral_constant<Method, RMSPROP>{});
    else f(std::integral_constant<Method, ADAM>{});
}

// One optimiser step: its constants are computed first; then it is applied to the parameters in any order.
template <class T> class OptimizerStep {
    T lr, decay, eps;
    T rate = 0, correction = 0;  // Adam's bias corrections: the learning rate, and a factor of the second moment's root

    // Advances beta^steps by a step. It becomes zero before it is denormal, which would be slow.
    static void advance(double& power, double beta) {
        power *= beta;
        if (power < NO_POWER) power = 0;
    }

  public:
    int method;

    // The step after those that `state` has taken, whose powers of the betas it advances.
    template <class Problem, class State>
    OptimizerStep(const Problem& problem, double lr, State& state)
        : lr(T(lr)), decay(T(problem.weight_decay)), eps(T(problem.eps)), method(problem.optimizer) {
        if (method != ADAM) return;
        advance(state.beta1_power, BETA1);
        advance(state.beta2_power, BETA2);
        rate = T(lr / (1 - state.beta1_power));
        correction = T(1 / std::sqrt(1 - state.beta2_power));
    }

    // Updates a parameter w with its gradient and its moments m and s. N is T or a vector of T.
    template <Method M, class N> void update(N& w, N& m, N& s, N gradient) const {
        const N d = gradient + decay * w;
        if constexpr (M == SGD) {
            w -= lr * d;
        } else if constexpr (M == RMSPROP) {
            s = s * T(ALPHA) + d * d * T(1 - ALPHA);
            w -= lr * (d / (root(s) + eps));
        } else {
            m += (d - m) * T(1 - BETA1);
            s = s * T(BETA2) + d * d * T(1 - BETA2);
            w -= rate * (m / (root(s) * correction + eps));
        }
    }

    // Applies the step to `units` * Unit parameters: with the lanes of a vector as Unit, the loop has no remainder.
    template <int Unit = 1>
    void apply(int units, T* __restrict weight, const T* __restrict gradient, T* __restrict first,
               T* __restrict second) const {
        const OptimizerStep step = *this;  // which no store can change
        with_method(method, [&](auto method) {
            for (int p = 0; p < units * Unit; ++p)
                step.template update<method>(weight[p], first[p], second[p], gradient[p]);
        });
    }
};

}  // namespace
