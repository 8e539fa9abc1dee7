// A run of the image kernel: forward and backward passes of groups of samples, optimiser steps and evaluation.

#pragma once

#include "image_gradient.h"
#include "image_loss.h"
#include "image_pooling.h"
#include "image_products.h"
#include "image_reading.h"
#include "optimizers.h"

namespace {

template <class T> class ImageRun : Vectors<T> {
    using typename Vectors<T>::V;
    using Products = LayerProducts<T>;
    using Pooling = StagePooling<T>;

    ImageState& state;
    const StagedNet<T> net;
    const GroupReader<T> read;
    const ClassLoss<T> losses;

    // `training`: a backward pass follows. `dropout`: the dropout masks apply.
    void forward(int blocks, bool training, bool dropout) const {
        for (const Stage<T>& stage : net.stages) {
            const int positions = blocks * stage.positions;
            for (int start = 0; start < positions; start += stage.strip) {
                const int count = std::min(stage.strip, positions - start);
                Products::forward(net, stage, start);
                Pooling::forward(net, stage, start, count, training, dropout);
            }
        }
    }

    // Adds the gradient of the group. The deltas of the last stage's outputs are in deltas[0].
    void backward(int blocks, bool dropout) const {
        V *above = net.deltas[0], *below = net.deltas[1];
        for (std::size_t s = net.stages.size(); s-- > 0;) {
            const Stage<T>& stage = net.stages[s];
            for (int start = 0; start < blocks; start += stage.delta_blocks) {
                const int count = std::min(stage.delta_blocks, blocks - start);
                Pooling::backward(net, stage, above, start, count, dropout);
                WeightsGradient<T>::add(net, stage, start, count);
                if (s > 0) Products::backward(net, stage, below, start, count);
            }
            std::swap(above, below);
        }
    }

    // Writes the squared norm of the gradient by each stage's weights, then by its biases, to `to` (2 stages,).
    void squares_of_gradient(double* to) const {
        const auto squares = [](const T* from, int count) {
            double total = 0;
            for (int i = 0; i < count; ++i) total += double(from[i]) * double(from[i]);
            return total;
        };
        for (const Stage<T>& stage : net.stages) {
            *to++ = squares(net.g + stage.weight, stage.bias - stage.weight);
            *to++ = squares(net.g + stage.bias, stage.outputs);
        }
    }

    void step(double lr) const {
        const OptimizerStep<T> step(net.problem, lr, state);
        step.apply(net.parameters, net.w, net.g, static_cast<T*>(state.first), static_cast<T*>(state.second));
    }

  public:
    ImageRun(const ImageProblem& problem, ImageState& state)
        : state(state), net(problem, state), read(net), losses(net) {}

    std::size_t memory() const { return net.size; }
    int samples_per_group() const { return net.group * Vectors<T>::LANES; }

    void train(const ImageSamples& set, const ImagePiece& piece) {
        double unused_loss = 0;
        std::int64_t unused_correct = 0;
        const Tally tally{piece.loss ? *piece.loss : unused_loss, piece.correct ? *piece.correct : unused_correct};
        const bool dropout = piece.kept;
        if (piece.start == 0)
            for (int p = 0; p < net.parameters; ++p) net.g[p] = 0;
        for (int first = piece.start; first < piece.end; first += samples_per_group()) {
            const int samples = std::min(samples_per_group(), piece.end - first), blocks = net.blocks_of(samples);
            read.images(set, &piece, first, samples);
            if (dropout) read.kept(piece, first, samples);
            forward(blocks, true, dropout);
            losses.group(set.y, piece.order, first, samples, tally, piece.batch);
            backward(blocks, dropout);
        }
        if (piece.end < piece.batch) return;
        if (piece.squares) squares_of_gradient(piece.squares);
        if (piece.step) step(piece.lr);
    }

    // Adds the losses and correct predictions of samples `start` to `end`, without dropout.
    void evaluate(const ImageSamples& set, int start, int end, Tally tally) {
        for (int first = start; first < end; first += samples_per_group()) {
            const int samples = std::min(samples_per_group(), end - first);
            read.images(set, nullptr, first, samples);
            forward(net.blocks_of(samples), false, false);
            losses.group(set.y, nullptr, first, samples, tally, 0);
        }
    }
};

}  // namespace
