// The structures that Python passes to the image kernel.

#pragma once

#include "interface.h"

extern "C" {

// A layer with weights, and the dropout and pooling after it. A dense layer has kernel 1 and maps of 1 x 1.
struct ImageStage {
    int32_t channels, height, width;  // of the input
    int32_t kernel, padding, outputs;
    int32_t activation;     // 0 none, 1 relu, 2 leaky relu with slope 0.01, 3 tanh
    int32_t pool;           // side of a pooling window; 1: no pooling
    int32_t before, after;  // dropout before pooling (only if pool > 1) and after: 0 none, 1 of numbers, 2 of maps
    double p_before, p_after;
};

// The problem that the runs of a block share. T is float or double, depending on the function that is called.
struct ImageProblem {
    const ImageStage* stages;
    double weight_decay, eps;
    int32_t count;                    // stages
    int32_t channels, height, width;  // of an image; the first stage may take it as a row of features
    int32_t batch;                    // samples in a full batch
    int32_t output;                   // function after the last stage: 0 none, 1 softmax, 2 log-softmax
    int32_t loss;                     // 0 cross-entropy, 1 negative log-likelihood
    int32_t optimizer;                // 0 SGD, 1 Adam, 2 RMSprop
};

// The state that training changes. Initially: the initial weights, moments 0, both powers 1, memory of zeros.
struct ImageState {
    void *weights, *first, *second;   // T (parameters,): `first` and `second` are the optimiser's moments
    void* memory;                     // of the size that image_layout gives, aligned to 64 bytes
    double beta1_power, beta2_power;  // beta^steps
};

// Images x, T (samples, channels, height, width), and their classes y (samples,).
struct ImageSamples {
    const void* x;
    const int32_t* y;
};

// A part of a batch: its samples `start` to `end`. Parts start at multiples of a group's size. Null pointers are
// allowed for `loss`, `correct` and `squares`; `squares` is written once the batch is complete.
struct ImagePiece {
    const int32_t* order;              // (batch,): indices of the images
    const uint8_t *top, *left, *flip;  // (batch,): augmentation, or null
    const uint8_t* kept;               // per dropout (batch, numbers drawn per sample): 0 or 1; null: no dropout
    double* loss;                      // to which the samples' losses are added
    int64_t* correct;                  // to which the correct predictions are added
    double* squares;  // (2 stages,): squared norm of the mean loss's gradient by each stage's weights, then biases
    double lr;
    int32_t batch, start, end;
    int32_t step;  // whether the optimiser takes a step once the batch is complete
};
}

constexpr Member IMAGE_MEMBERS[] = {
    STRUCTURE(ImageStage),
    MEMBER(ImageStage, channels), MEMBER(ImageStage, height), MEMBER(ImageStage, width), MEMBER(ImageStage, kernel),
    MEMBER(ImageStage, padding), MEMBER(ImageStage, outputs), MEMBER(ImageStage, activation),
    MEMBER(ImageStage, pool), MEMBER(ImageStage, before), MEMBER(ImageStage, after), MEMBER(ImageStage, p_before),
    MEMBER(ImageStage, p_after),
    STRUCTURE(ImageProblem),
    MEMBER(ImageProblem, stages), MEMBER(ImageProblem, weight_decay), MEMBER(ImageProblem, eps),
    MEMBER(ImageProblem, count), MEMBER(ImageProblem, channels), MEMBER(ImageProblem, height),
    MEMBER(ImageProblem, width), MEMBER(ImageProblem, batch), MEMBER(ImageProblem, output),
    MEMBER(ImageProblem, loss), MEMBER(ImageProblem, optimizer),
    STRUCTURE(ImageState),
    MEMBER(ImageState, weights), MEMBER(ImageState, first), MEMBER(ImageState, second), MEMBER(ImageState, memory),
    MEMBER(ImageState, beta1_power), MEMBER(ImageState, beta2_power),
    STRUCTURE(ImageSamples),
    MEMBER(ImageSamples, x), MEMBER(ImageSamples, y),
    STRUCTURE(ImagePiece),
    MEMBER(ImagePiece, order), MEMBER(ImagePiece, top), MEMBER(ImagePiece, left), MEMBER(ImagePiece, flip),
    MEMBER(ImagePiece, kept), MEMBER(ImagePiece, loss), MEMBER(ImagePiece, correct), MEMBER(ImagePiece, squares),
    MEMBER(ImagePiece, lr), MEMBER(ImagePiece, batch), MEMBER(ImagePiece, start), MEMBER(ImagePiece, end),
    MEMBER(ImagePiece, step),
    NO_MORE_MEMBERS,
};
