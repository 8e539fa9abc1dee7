// The image kernel: trains one small classifier of images on one thread, convolutional or dense.
//
// image_problem.h   the structures that Python passes
// image_net.h       the stages, their tables and the memory of a run
// image_reading.h   images and dropout masks into vectors
// image_taps.h      the terms of a layer's sums, and where they may be nonzero
// image_products.h  a layer's sums of products, forward and backward
// image_gradient.h  the gradient of a layer's weights
// image_pooling.h   activation, dropout and pooling, forward and backward
// image_loss.h      losses, correct predictions and deltas
// image_run.h       batches, optimiser steps and evaluation
//
// The lanes of a vector are samples. A block of LANES samples is stored as (channels, height, width) vectors, so that
// every operation of the net is the scalar operation on vectors. Blocks pass through the net in groups that fit the
// cache, layer by layer, so that a weight is loaded once for many positions. A dense layer is a convolution of maps of
// 1 x 1.
//
// The net is a sequence of stages: weights, then activation, dropout, max pooling and dropout, each of these optional.
// Weights, gradient and moments are flat, in torch's order. Sums have a fixed order, which depends on the problem
// alone: a library repeats its results bit for bit, however the batches are divided into calls.

#include "image_run.h"

namespace {

template <class T> int layout(const ImageProblem* problem, int64_t* found) {
    return status_of([&] {
        ImageState none{};
        const ImageRun<T> run(*problem, none);
        found[0] = int64_t(run.memory());
        found[1] = run.samples_per_group();
    });
}

template <class T>
int train(const ImageProblem* problem, ImageState* state, const ImageSamples* set, const ImagePiece* piece,
          int64_t pieces) {
    return status_of([&] {
        ImageRun<T> run(*problem, *state);
        for (int64_t i = 0; i < pieces; ++i) run.train(*set, piece[i]);
    });
}

template <class T>
int evaluate(const ImageProblem* problem, ImageState* state, const ImageSamples* set, int64_t start, int64_t end,
             double* loss, int64_t* correct) {
    return status_of([&] {
        ImageRun<T> run(*problem, *state);
        run.evaluate(*set, int(start), int(end), {*loss, *correct});
    });
}

}  // namespace

// Each function returns 0, or 1 if memory runs out.
extern "C" {

// Writes the bytes of a run's memory to found[0], and the samples in a group to found[1]: pieces and evaluations start
// at its multiples.
int image_layout_float32(const ImageProblem* problem, int64_t* found) { return layout<float>(problem, found); }
int image_layout_float64(const ImageProblem* problem, int64_t* found) { return layout<double>(problem, found); }

// Runs pieces of batches forward and backward, one after the other.
int image_train_float32(const ImageProblem* problem, ImageState* state, const ImageSamples* set,
                        const ImagePiece* piece, int64_t pieces) {
    return train<float>(problem, state, set, piece, pieces);
}
int image_train_float64(const ImageProblem* problem, ImageState* state, const ImageSamples* set,
                        const ImagePiece* piece, int64_t pieces) {
    return train<double>(problem, state, set, piece, pieces);
}

// Adds the losses of samples `start` to `end`, without dropout, to `loss`, and the correct predictions to `correct`.
int image_evaluate_float32(const ImageProblem* problem, ImageState* state, const ImageSamples* set, int64_t start,
                           int64_t end, double* loss, int64_t* correct) {
    return evaluate<float>(problem, state, set, start, end, loss, correct);
}
int image_evaluate_float64(const ImageProblem* problem, ImageState* state, const ImageSamples* set, int64_t start,
                           int64_t end, double* loss, int64_t* correct) {
    return evaluate<double>(problem, state, set, start, end, loss, correct);
}

const Member* image_members() { return IMAGE_MEMBERS; }
}
