// What Python passes to the image kernel.

#pragma once

#include "interface.h"

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

// What is trained, shared by the runs of a block. T is float or double, by the function that is called.
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
    void *weights, *first, *second;   // T (parameters,): second moments in `second`, Adam's first ones in `first`
    void* memory;                     // as many bytes as image_layout says, aligned to 64
    double beta1_power, beta2_power;  // beta^steps
};

// Images (samples, channels, height, width) of T and their classes.
struct ImageSet {
    const void* x;
    const int32_t* y;
};

// A batch or a part of one: its samples start..end, which lie at multiples of a group's size. If they are not null,
// `loss` and `correct` are added to, and `squares` is written once the batch is complete.
struct ImagePiece {
    const int32_t* order;              // (batch,): which images
    const uint8_t *top, *left, *flip;  // (batch,) of the augmentation, or null
    const uint8_t* kept;               // per dropout (batch, what it draws for a sample): 0 or 1; null: no dropout
    double* loss;                      // the sum of the samples' losses
    int64_t* correct;                  // the hits
    double* squares;  // (2 stages,): sums of squares of the mean loss's gradient, of each stage's weights, then biases
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
    STRUCTURE(ImageSet),
    MEMBER(ImageSet, x), MEMBER(ImageSet, y),
    STRUCTURE(ImagePiece),
    MEMBER(ImagePiece, order), MEMBER(ImagePiece, top), MEMBER(ImagePiece, left), MEMBER(ImagePiece, flip),
    MEMBER(ImagePiece, kept), MEMBER(ImagePiece, loss), MEMBER(ImagePiece, correct), MEMBER(ImagePiece, squares),
    MEMBER(ImagePiece, lr), MEMBER(ImagePiece, batch), MEMBER(ImagePiece, start), MEMBER(ImagePiece, end),
    MEMBER(ImagePiece, step),
    NO_MORE_MEMBERS,
};
