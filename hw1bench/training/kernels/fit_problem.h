// The structures that Python passes to the fit kernel.

#pragma once

#include "interface.h"

extern "C" {

// The problem that the runs of a block share. T is float or double, depending on the function that is called.
struct FitProblem {
    const int32_t* widths;  // (layers + 1,): inputs, hidden widths, outputs
    const void* x;          // T (inputs, samples)
    const void* y;          // T (outputs, samples)
    const uint8_t* evaluated;  // (epochs + 1,): 1 at epochs whose loss is written; the last is 1, and all if batch is 0
    double lr, weight_decay, eps;
    int64_t epochs;      // of the whole training
    int32_t layers;      // layers with weights
    int32_t activation;  // of hidden layers: 1 relu, 2 leaky relu with slope 0.01, 3 tanh
    int32_t output;      // 0 linear, 3 tanh
    int32_t optimizer;   // 0 SGD, 1 Adam, 2 RMSprop
    int32_t samples;
    int32_t batch;  // 0: the whole set at once
};

// The state of runs that train together, which training changes: as many as `fit_lanes` says at batch 1, otherwise one. Initially: the
// initial weights, moments 0, next_epoch 0, both powers 1.
struct FitState {
    void *weights, *first, *second;  // T (runs, parameters): `first` and `second` are the optimiser's moments
    void* train_loss;                // T (runs, epochs + 1)
    void* gradient_norm;             // T (runs, epochs + 1) or null
    void* prediction;                // T (runs, outputs, samples), written at the end of training
    int64_t next_epoch;
    double beta1_power, beta2_power;  // beta^steps
};
}

constexpr Member FIT_MEMBERS[] = {
    STRUCTURE(FitProblem),
    MEMBER(FitProblem, widths), MEMBER(FitProblem, x), MEMBER(FitProblem, y),
    MEMBER(FitProblem, evaluated), MEMBER(FitProblem, lr), MEMBER(FitProblem, weight_decay), MEMBER(FitProblem, eps), MEMBER(FitProblem, epochs),
    MEMBER(FitProblem, layers), MEMBER(FitProblem, activation), MEMBER(FitProblem, output),
    MEMBER(FitProblem, optimizer), MEMBER(FitProblem, samples), MEMBER(FitProblem, batch),
    STRUCTURE(FitState),
    MEMBER(FitState, weights), MEMBER(FitState, first), MEMBER(FitState, second), MEMBER(FitState, train_loss),
    MEMBER(FitState, gradient_norm), MEMBER(FitState, prediction), MEMBER(FitState, next_epoch),
    MEMBER(FitState, beta1_power), MEMBER(FitState, beta2_power),
    NO_MORE_MEMBERS,
};
