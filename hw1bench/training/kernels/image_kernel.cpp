// The image kernel: trains one small classifier of images on one thread, convolutional or dense.
//
// image_problem.h   what Python passes
// image_net.h       the stages, their tables, the memory of a run
// image_reading.h   images and dropouts into vectors
// image_products.h  a layer's sums of products, forward and backward
// image_pooling.h   activation, dropout and pooling, forward and backward
// image_loss.h      losses, hits and the deltas they leave
// image_run.h       a batch, the optimiser's step, evaluation
//
// A vector's lanes are samples. A block of LANES samples lies as (channels, height, width) vectors, so that every
// operation of the net is the scalar one on vectors; blocks go through the net in groups that fit the cache, layer by
// layer, so that a weight is fetched once for many positions. A dense layer is a convolution of 1 x 1 maps.
//
// The net is a row of stages: weights, then activation, dropout, max pooling, dropout, each of the last four optional.
// Weights, gradient and moments are flat, in torch's order. Sums are taken in a fixed order, which the problem alone
// decides: a library repeats its results bit for bit, however the batches are divided into calls.

#include "image_run.h"

namespace {

template <class T> int layout(const ImageProblem* problem, int64_t* found) {
    return entered([&] {
        ImageState none{};
        const ImageRun<T> run(*problem, none);
        found[0] = int64_t(run.memory());
        found[1] = run.samples_per_group();
    });
}

template <class T>
int train(const ImageProblem* problem, ImageState* state, const ImageSet* set, const ImagePiece* piece,
          int64_t pieces) {
    return entered([&] {
        ImageRun<T> run(*problem, *state);
        for (int64_t i = 0; i < pieces; ++i) run.train(*set, piece[i]);
    });
}

template <class T>
int evaluate(const ImageProblem* problem, ImageState* state, const ImageSet* set, int64_t start, int64_t end,
             double* loss, int64_t* correct) {
    return entered([&] {
        ImageRun<T> run(*problem, *state);
        run.evaluate(*set, int(start), int(end), {*loss, *correct});
    });
}

}  // namespace

// Each returns 0, or 1 if memory ran out.
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

const Member* image_members() { return IMAGE_MEMBERS; }
}
